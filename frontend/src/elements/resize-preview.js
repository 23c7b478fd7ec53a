// <resize-preview src uploads fields>: the first picture of what is chosen, as it is and as the form's fields would store it. It
// follows the fields of the form that it stands in; without scripts the button beside it asks the server for the same.
import { need } from '../dom.js';
import { HEADERS, sentence } from '../request.js';

const WAIT_MS = 300;
const ROLES = ['image', 'label', 'split', 'group', 'weight'];
const UNREADABLE = 'The picture cannot be shown.';

class ResizePreview extends HTMLElement {
  shown = '';

  connectedCallback() {
    this.form = this.closest('form');
    this.hear = () => this.wait(); // by changes, for a path that is still being typed is none yet
    this.form?.addEventListener('change', this.hear);
    for (const image of this.querySelectorAll('img')) image.addEventListener('error', () => this.say(UNREADABLE));
    this.querySelector('button')?.addEventListener('click', (event) => (event.preventDefault(), this.show()));
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

  /** The address of the picture, or nothing where none can be shown. @param {string[]} names */
  address(names) {
    if (!this.form) return '';
    const typed = new FormData(this.form);
    const value = (/** @type {string} */ name) => String(typed.get(name) ?? '').trim();
    const [source, folder, upload] = [value('source'), value('folder'), value('upload')];
    const roots = (this.getAttribute('roots') ?? '').split('\n').map((root) => root.replace(/\/$/, ''));
    const isBelow = folder.startsWith('~/') || roots.some((root) => folder.replace(/\/$/, '').startsWith(`${root}/`));
    const asked = new URLSearchParams(source === 'folder' ? { path: folder } : {});
    for (const name of [...names, 'layout', 'prefix']) if (value(name)) asked.set(name, value(name));
    for (const role of ROLES) if (value(`${role}_column`)) asked.set(role, value(`${role}_column`));
    if (source === 'folder' && isBelow) return `${this.getAttribute('src')}?${asked}`;
    return source === 'archive' && upload ? `${this.getAttribute('uploads')}/${upload}/picture?${asked}` : '';
  }

  async show() {
    const original = this.address([]);
    const resized = this.address((this.getAttribute('fields') ?? '').split(' '));
    if (resized && resized === this.shown) return;
    this.shown = resized;
    this.asking?.abort();
    if (!resized) return this.say(this.dataset[String(this.form && new FormData(this.form).get('source'))] ?? '');
    this.asking = new AbortController();
    try {
      await this.put('[data-original]', original, this.asking.signal);
      await this.put('[data-resized]', resized, this.asking.signal);
      this.say('');
    } catch (error) {
      if (error instanceof DOMException && error.name === 'AbortError') return;
      this.say(error instanceof DOMException ? UNREADABLE : error instanceof Error ? error.message : '');
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
  }

  /** @param {string} text */
  say(text) {
    need(this, '.preview-said').textContent = text;
    need(this, '.previews').hidden = Boolean(text);
  }
}

customElements.define('resize-preview', ResizePreview);
