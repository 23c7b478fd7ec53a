// <picture-test>: sends a picture from its form, a drop, the clipboard, a test picture or the digit pad, and puts the
// server's answer, the same fragment that a plain form post shows, into its `#result`.
import { announce, need } from '../dom.js';
import { HEADERS, sentence } from '../request.js';

const PART = 'result';
const PATIENCE_MS = 400;

class PictureTest extends HTMLElement {
  turn = 0;

  connectedCallback() {
    this.form = this.querySelector('form');
    this.form?.addEventListener('submit', (event) => {
      event.preventDefault();
      this.chosen();
    });
    this.querySelector('input[type="file"]')?.addEventListener('change', () => this.chosen());
    this.addEventListener('picture', (event) => {
      const { blob, name } = /** @type {CustomEvent} */ (event).detail;
      this.send(blob, name);
    });
    this.addEventListener('cleared', () => this.empty());
    this.addEventListener('click', (event) => this.pick(event));
    this.paste = (/** @type {ClipboardEvent} */ event) => {
      const file = [...(event.clipboardData?.files ?? [])].find((each) => each.type.startsWith('image/'));
      if (file) this.send(file, file.name);
    };
    document.addEventListener('paste', this.paste);
  }

  disconnectedCallback() {
    if (this.paste) document.removeEventListener('paste', this.paste);
  }

  chosen() {
    const input = this.querySelector('input[type="file"]');
    const file = input instanceof HTMLInputElement ? input.files?.[0] : undefined;
    if (file) this.send(file, file.name);
  }

  /** A picture of the test split, pressed. @param {MouseEvent} event */
  async pick(event) {
    const link = event.target instanceof Element ? event.target.closest('[data-test-picture]') : null;
    if (!(link instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    await this.swap(() => fetch(link.href, { headers: this.headers() }));
    history.replaceState(null, '', link.href);
  }

  headers() {
    return { ...HEADERS, 'HX-Request': 'true', 'HX-Target': PART };
  }

  /** @param {Blob} picture @param {string} name */
  async send(picture, name) {
    const body = new FormData();
    body.append('file', picture, name);
    const address = this.form?.action ?? location.href;
    await this.swap(() => fetch(address, { method: 'POST', body, headers: this.headers() }));
    this.preview(picture);
  }

  /** Shows the picture itself from memory: it is nowhere kept. @param {Blob} picture */
  preview(picture) {
    const image = this.querySelector(`#${PART} img[data-preview]`);
    if (!(image instanceof HTMLImageElement)) return;
    const address = URL.createObjectURL(picture);
    image.addEventListener('load', () => {
      URL.revokeObjectURL(address);
      image.classList.toggle('pix', image.naturalWidth < 64);
    });
    image.src = address;
    image.hidden = false;
  }

  /** Says that an answer takes its time, as the first one of a model does. @param {number} turn */
  wait(turn) {
    if (turn === this.turn) need(this, `#${PART}`).textContent = 'The picture is being classified.';
  }

  /** Takes the answer away, also one that is still to come. */
  empty() {
    this.turn += 1;
    const place = need(this, `#${PART}`);
    place.ariaBusy = 'false';
    place.replaceChildren();
  }

  /** Only the newest answer is shown. @param {() => Promise<Response>} ask */
  async swap(ask) {
    this.turn += 1;
    const { turn } = this;
    let markup = '';
    let failure = '';
    const waiting = setTimeout(() => this.wait(turn), PATIENCE_MS);
    need(this, `#${PART}`).ariaBusy = 'true';
    try {
      const answer = await ask();
      if (answer.headers.get('content-type')?.startsWith('text/html')) markup = await answer.text();
      else failure = sentence(await answer.json().catch(() => ({})), answer.status);
    } catch {
      failure = 'The server does not answer. Is it running?';
    }
    clearTimeout(waiting);
    if (turn !== this.turn) return;
    const place = need(this, `#${PART}`);
    place.ariaBusy = 'false';
    if (failure) {
      place.textContent = failure;
      announce(failure);
      return;
    }
    const part = new DOMParser().parseFromString(markup, 'text/html').getElementById(PART);
    place.replaceChildren(...(part?.childNodes ?? []));
    announce(place.querySelector('[data-finding]')?.textContent?.trim() ?? '');
  }
}

customElements.define('picture-test', PictureTest);
