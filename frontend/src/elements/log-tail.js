// <log-tail run src>: the lines of a job's log. New ones are fetched while the run tells of itself; the list follows its
// end until a person scrolls up.
import { element, need } from '../dom.js';
import { json } from '../request.js';
import { subscribe } from '../stream.js';

const MOST_LINES = 1000;
const PAUSE_MS = 2000;

/** @typedef {{at: number, level: string, text: string}} Line */

class LogTail extends HTMLElement {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  waiting = undefined;

  connectedCallback() {
    this.list = need(this, 'ol');
    this.box = need(this, '.log');
    this.box.scrollTop = this.box.scrollHeight;
    this.lastAt = Number(this.getAttribute('after')) || 0;
    this.unsubscribe = subscribe('run.progress', (message) => {
      if (message.name === this.getAttribute('run')) this.wait();
    });
  }

  disconnectedCallback() {
    this.unsubscribe?.();
    clearTimeout(this.waiting);
  }

  wait() {
    this.waiting ??= setTimeout(() => this.load(), PAUSE_MS);
  }

  async load() {
    this.waiting = undefined;
    try {
      /** @type {Line[]} */
      const lines = await json(this.getAttribute('src') ?? '');
      this.add(lines.filter((line) => line.at > (this.lastAt ?? 0)));
    } catch {
      this.wait(); // the rail says that the server is silent
    }
  }

  /** @param {Line[]} lines */
  add(lines) {
    const { list, box } = this;
    if (!list || !box || !lines.length) return;
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 24;
    for (const line of lines) {
      const time = new Date(line.at * 1000);
      const clock = element('time', { datetime: time.toISOString() }, time.toTimeString().slice(0, 5));
      list.append(element('li', { class: `log-${line.level}` }, clock, ' ', line.text));
      this.lastAt = line.at;
    }
    while (list.children.length > MOST_LINES) list.firstElementChild?.remove();
    this.querySelector('.log-empty')?.remove();
    if (isAtEnd) box.scrollTop = box.scrollHeight;
  }
}

customElements.define('log-tail', LogTail);
