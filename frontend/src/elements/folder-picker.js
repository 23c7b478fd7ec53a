// <folder-picker src>: a text field for a folder or file of the server, with those that begin so and their pictures.
// A combobox after the ARIA practices: arrows choose, Enter or Tab takes, Esc closes. The field alone works too.
import { element, need } from '../dom.js';
import { count } from '../format.js';
import { json } from '../request.js';

const WAIT_MS = 120;

/** @typedef {{path: string, name: string, pictures?: number | null, isFile?: boolean}} Folder */

class FolderPicker extends HTMLElement {
  connectedCallback() {
    this.input = /** @type {HTMLInputElement} */ (need(this, 'input'));
    this.list = need(this, '[role="listbox"]');
    this.chosen = -1;
    const fixed = { role: 'combobox', 'aria-autocomplete': 'list', 'aria-expanded': 'false', 'aria-controls': this.list.id, autocomplete: 'off' };
    for (const [name, value] of Object.entries(fixed)) this.input.setAttribute(name, value);
    this.input.addEventListener('input', () => this.wait());
    this.input.addEventListener('focus', () => {
      if (this.input?.getAttribute('aria-invalid') !== 'true') this.wait();
    });
    this.input.addEventListener('blur', () => setTimeout(() => this.close(), 150));
    this.input.addEventListener('keydown', (event) => this.key(event));
    this.list.addEventListener('pointerdown', (event) => this.press(event));
  }

  wait() {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.ask(), WAIT_MS);
  }

  async ask() {
    const typed = this.input?.value ?? '';
    this.asking?.abort();
    this.asking = new AbortController();
    try {
      const folders = await this.find(typed, this.asking.signal);
      if (typed === this.input?.value) this.show(folders);
    } catch (error) {
      if (error instanceof DOMException) return;
      this.show([]);
      this.say(error instanceof Error ? error.message : '');
    }
  }

  /**
   * The folders that begin so: those of the folder that is typed already, else what completes the text.
   * Where nothing does, the folder above says why: it may lie outside what the server shows.
   * @param {string} typed
   * @param {AbortSignal} signal
   * @returns {Promise<Folder[]>}
   */
  async find(typed, signal) {
    const ask = (/** @type {string} */ rest, /** @type {string} */ text) =>
      json(`${this.getAttribute('src')}${rest}=${encodeURIComponent(text)}`, { signal });
    const parent = typed.slice(0, typed.lastIndexOf('/') + 1);
    /** @type {string[]} */
    const paths = await ask('/complete?prefix', typed);
    if (paths.length && !paths.every((path) => path.startsWith(parent) && parent.length > 1)) return paths.map(named);
    const listing = await ask('?path', parent);
    const known = new Set(listing.folders.map((/** @type {Folder} */ folder) => folder.path));
    const files = paths.filter((path) => !known.has(path) && path.slice(parent.length).includes('.')).map(file);
    return [...listing.folders.filter((/** @type {Folder} */ folder) => folder.path.startsWith(typed)), ...files];
  }

  /** @param {Folder[]} folders */
  show(folders) {
    this.chosen = -1;
    this.list?.replaceChildren(...folders.map((folder, index) => this.option(folder, index)));
    const isOpen = folders.length > 0 && document.activeElement === this.input;
    if (this.list) this.list.hidden = !isOpen;
    this.input?.setAttribute('aria-expanded', String(isOpen));
    this.input?.removeAttribute('aria-activedescendant');
    this.say(folders.length ? '' : 'No folder and no file that can be imported begins like this.');
  }

  /** @param {Folder} folder @param {number} index */
  option(folder, index) {
    const pictures = typeof folder.pictures === 'number' ? `${count(folder.pictures)} pictures` : '';
    const attributes = { role: 'option', id: `${this.list?.id}-${index}`, 'data-path': folder.path, 'aria-selected': 'false' };
    if (folder.isFile) Object.assign(attributes, { 'data-file': '' });
    return element('li', attributes, element('span', { class: 'mono' }, folder.name), element('span', { class: 'end' }, pictures));
  }

  /** @param {string} text */
  say(text) {
    need(this, '.picker-said').textContent = text;
  }

  close() {
    if (this.list) this.list.hidden = true;
    this.input?.setAttribute('aria-expanded', 'false');
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const options = [...(this.list?.children ?? [])];
    if (event.key === 'Escape') return this.close();
    if (this.list?.hidden || !options.length) return undefined;
    const chosen = this.chosen ?? -1;
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const step = event.key === 'ArrowDown' ? 1 : -1;
      this.choose((chosen + step + options.length) % options.length);
    } else if (event.key === 'Enter' && chosen >= 0) {
      this.take(options[chosen]);
    } else if (event.key === 'Tab' && !event.shiftKey && options.length === 1 && this.adds(options[0])) {
      this.take(options[0]);
    } else {
      return undefined;
    }
    event.preventDefault();
    return undefined;
  }

  /** Whether taking this would complete what is typed. @param {Element | undefined} option */
  adds(option) {
    const path = option instanceof HTMLElement ? (option.dataset.path ?? '') : '';
    return path.length > (this.input?.value.replace(/\/$/, '').length ?? 0);
  }

  /** @param {number} index */
  choose(index) {
    this.chosen = index;
    [...(this.list?.children ?? [])].forEach((option, at) => option.setAttribute('aria-selected', String(at === index)));
    const option = this.list?.children[index];
    option?.scrollIntoView({ block: 'nearest' });
    if (option) this.input?.setAttribute('aria-activedescendant', option.id);
  }

  /** @param {PointerEvent} event */
  press(event) {
    event.preventDefault();
    const option = event.target instanceof Element ? event.target.closest('[role="option"]') : null;
    if (option) this.take(option);
  }

  /** Takes a folder and asks for what lies inside it. @param {Element | undefined} option */
  take(option) {
    if (!(option instanceof HTMLElement) || !this.input) return;
    this.input.value = `${option.dataset.path}${'file' in option.dataset ? '' : '/'}`;
    this.input.focus();
    this.input.dispatchEvent(new Event('change', { bubbles: true }));
    this.wait();
  }
}

/** @param {string} path @returns {Folder} */
const named = (path) => ({ path, name: path });

/** @param {string} path @returns {Folder} */
const file = (path) => ({ path, name: path.slice(path.lastIndexOf('/') + 1), isFile: true });

customElements.define('folder-picker', FolderPicker);
