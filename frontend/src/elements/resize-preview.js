// <resize-preview src fields>: a picture of the chosen folder as it is and as the form's fields would store it. It
// follows the fields of the form that it stands in; without scripts the button beside it asks the server for the same.
import { need } from '../dom.js';
import { HEADERS, sentence } from '../request.js';

const WAIT_MS = 300;

class ResizePreview extends HTMLElement {
  shown = '';

  connectedCallback() {
    this.form = this.closest('form');
    this.hear = () => this.wait(); // by changes, for a path that is still being typed is none yet
    this.form?.addEventListener('change', this.hear);
    const button = this.querySelector('button');
    button?.addEventListener('click', (event) => {
      event.preventDefault();
      this.show();
    });
  }

  disconnectedCallback() {
    clearTimeout(this.waiting);
    this.asking?.abort();
    if (this.hear) this.form?.removeEventListener('change', this.hear);
  }

  wait() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.show(), WAIT_MS);
  }

  /** The address of the picture, or nothing where no folder is chosen. @param {string[]} names */
  address(names) {
    if (!this.form) return '';
    const typed = new FormData(this.form);
    const folder = String(typed.get('folder') ?? '').trim();
    const roots = (this.getAttribute('roots') ?? '').split('\n');
    if (typed.get('source') !== 'folder' || !folder || roots.includes(folder.replace(/\/$/, ''))) return '';
    const asked = new URLSearchParams({ path: folder });
    for (const name of names) {
      const value = typed.get(name);
      if (typeof value === 'string' && value) asked.set(name, value);
    }
    return `${this.getAttribute('src')}?${asked}`;
  }

  async show() {
    const original = this.address([]);
    const resized = this.address((this.getAttribute('fields') ?? '').split(' '));
    if (!resized || resized === this.shown) return;
    this.shown = resized;
    this.asking?.abort();
    this.asking = new AbortController();
    try {
      await this.put('[data-original]', original, this.asking.signal);
      await this.put('[data-resized]', resized, this.asking.signal);
      this.say('');
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') return;
      this.say(error instanceof Error ? error.message : '');
    }
  }

  /** @param {string} selector @param {string} address @param {AbortSignal} signal */
  async put(selector, address, signal) {
    const image = this.querySelector(selector);
    if (!(image instanceof HTMLImageElement) || image.dataset.of === address) return;
    const answer = await fetch(address, { signal, headers: HEADERS });
    if (answer.status === 204) throw new Error('There is no picture file to show here.');
    if (!answer.ok) throw new Error(sentence(await answer.json().catch(() => ({})), answer.status));
    const old = image.src;
    image.src = URL.createObjectURL(await answer.blob());
    image.dataset.of = address;
    if (old.startsWith('blob:')) URL.revokeObjectURL(old);
    await image.decode();
    need(this, '.previews').hidden = false;
  }

  /** @param {string} text */
  say(text) {
    need(this, '.preview-said').textContent = text;
    if (text) need(this, '.previews').hidden = true;
  }
}

customElements.define('resize-preview', ResizePreview);
