// <job-progress kind of>: the ten-part scale of a job, with what is left of it. `kind` is `run` or `dataset`.
import { need } from '../dom.js';
import { count, duration, wholePercent } from '../format.js';
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
    const total = Number(message.total);
    const share = total > 0 ? Number(message.done) / total : 0;
    const bar = this.querySelector('progress');
    if (bar) bar.value = Math.round(share * 1000) / 10;
    this.write('.progress-share', `${wholePercent(share)} %`);
    this.write('.progress-done', `${count(Number(message.done))} of ${count(total)} ${message.unit}`);
    const left = message.seconds_left;
    this.write('.progress-left', typeof left === 'number' ? `about ${duration(left)} left` : '');
    const facts = /** @type {Record<string, number>} */ (message.facts ?? {});
    if (facts.epochs) this.write('.progress-epoch', `epoch ${Math.min(facts.epochs, Math.floor(facts.epoch ?? 0) + 1)} of ${facts.epochs}`);
  }

  /** @param {string} place @param {string} text */
  write(place, text) {
    if (this.querySelector(place)) need(this, place).textContent = text;
  }
}

customElements.define('job-progress', JobProgress);
