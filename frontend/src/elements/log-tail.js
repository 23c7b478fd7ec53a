// <log-tail run>: the lines of a job's log, with new ones at the end. It follows until a person scrolls up.
import { element, need } from '../dom.js';
import { subscribe } from '../stream.js';

const MOST_LINES = 1000;

class LogTail extends HTMLElement {
  connectedCallback() {
    this.list = need(this, 'ol');
    this.box = need(this, '.log');
    this.box.scrollTop = this.box.scrollHeight;
    this.unsubscribe = subscribe('run.log', (message) => {
      if (message.name === this.getAttribute('run')) this.add(message);
    });
  }

  disconnectedCallback() {
    this.unsubscribe?.();
  }

  /** @param {import('../stream.js').Message} message */
  add(message) {
    const { list, box } = this;
    if (!list || !box) return;
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
    const time = new Date(Number(message.time) * 1000);
    const clock = element('time', { datetime: time.toISOString() }, time.toTimeString().slice(0, 8));
    list.append(element('li', { class: `log-${message.level}` }, clock, ' ', String(message.text)));
    while (list.children.length > MOST_LINES) list.firstElementChild?.remove();
    this.querySelector('.log-empty')?.remove();
    if (isAtEnd) box.scrollTop = box.scrollHeight;
  }
}

customElements.define('log-tail', LogTail);
