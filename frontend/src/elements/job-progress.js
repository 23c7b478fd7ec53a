// <job-progress kind of>: the ten-part scale of a job, with what is left of it. `kind` is `run`, `dataset` or `checkup`.
import { need } from '../dom.js';
import { count, duration, ordinal, wholePercent } from '../format.js';
import { subscribe } from '../stream.js';

class JobProgress extends HTMLElement {
  connectedCallback() {
    const kind = `${this.getAttribute('kind')}.progress`;
    this.unsubscribe = subscribe(kind, (message) => {
      if (message.name === this.getAttribute('of')) this.show(message);
    });
  }

  disconnectedCallback() {
    this.unsubscribe?.();
  }

  /** @param {Record<string, unknown>} message */
  show(message) {
    const told = /** @type {Record<string, number | null>} */ (message.progress ?? {});
    const total = Number(told.steps ?? told.total ?? 0);
    const done = Number(told.step ?? told.done ?? 0);
    if (!total) {
      if (done) this.write('.progress-done', `${count(done)} ${this.getAttribute('unit')} found`);
      return;
    }
    const share = done / total;
    const bar = this.querySelector('progress');
    if (bar) bar.value = Math.round(share * 1000) / 10;
    this.write('.progress-share', `${wholePercent(share)} %`);
    this.write('.progress-done', `${count(done)} of ${count(total)} ${this.getAttribute('unit')}`);
    const left = told.seconds_left;
    this.write('.progress-left', typeof left === 'number' && left >= 1 ? `about ${duration(left)} left` : '');
    const epochs = told.epochs;
    if (epochs) this.write('.progress-epoch', `epoch ${ordinal(told.epoch ?? 0)} of ${epochs}`);
  }

  /** @param {string} place @param {string} text */
  write(place, text) {
    if (this.querySelector(place)) need(this, place).textContent = text;
  }
}

customElements.define('job-progress', JobProgress);
