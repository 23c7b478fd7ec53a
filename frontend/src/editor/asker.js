// Asks soon, and one question at a time: what changes meanwhile is asked when the answer is there.
const PAUSE_MS = 30;

export class Asker {
  isDue = false;
  isAsking = false;
  controller = new AbortController();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  waiting = undefined;

  /** @param {(signal: AbortSignal) => Promise<(() => void) | undefined>} question What it gives shows the answer, unless there is more to ask. */
  constructor(question) {
    this.question = question;
  }

  soon() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.now(), PAUSE_MS);
  }

  async now() {
    clearTimeout(this.waiting);
    this.isDue = true;
    while (this.isDue && !this.isAsking) {
      this.isDue = false;
      this.isAsking = true;
      try {
        const show = await this.question(this.controller.signal);
        if (!this.isDue) show?.();
      } finally {
        this.isAsking = false;
      }
    }
  }

  stop() {
    clearTimeout(this.waiting);
    this.controller.abort();
    this.controller = new AbortController();
  }
}
