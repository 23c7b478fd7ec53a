// <image-grid>: a gallery whose pictures open large in place; arrow keys go from one to the next, Esc closes.
// Without scripts each picture is a link to itself.
import { element, need } from '../dom.js';

class ImageGrid extends HTMLElement {
  connectedCallback() {
    this.addEventListener('click', (event) => this.press(event));
    this.addEventListener('keydown', (event) => this.walk(event));
  }

  pictures() {
    return [...this.querySelectorAll('a.pic')].filter((link) => link instanceof HTMLAnchorElement);
  }

  /** @param {MouseEvent} event */
  press(event) {
    const link = event.target instanceof Element ? event.target.closest('a.pic') : null;
    if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    this.open(link);
  }

  /** @param {KeyboardEvent} event */
  walk(event) {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    const all = this.pictures();
    const now = all.findIndex((link) => link === (this.shown ?? document.activeElement));
    const next = all[now + (event.key === 'ArrowRight' ? 1 : -1)];
    if (now < 0 || !next) return;
    event.preventDefault();
    if (this.shown) this.open(next);
    else next.focus();
  }

  /** @param {HTMLAnchorElement} link */
  open(link) {
    const dialog = this.querySelector('dialog') ?? this.build();
    this.shown = link;
    const small = link.querySelector('img');
    const large = /** @type {HTMLImageElement} */ (need(dialog, 'img'));
    large.src = link.href;
    large.alt = small?.alt ?? '';
    large.classList.toggle('pix', link.dataset.small === 'true');
    need(dialog, '.lightbox-label').textContent = link.dataset.label ?? '';
    need(dialog, '.lightbox-file').textContent = link.dataset.about ?? '';
    if (!dialog.open) dialog.showModal();
  }

  build() {
    const close = element('button', { type: 'button', class: 'btn small', 'data-closes': '' }, 'Close');
    const texts = element('div', { class: 'row spread' }, element('b', { class: 'lightbox-label' }), close);
    const file = element('p', { class: 'note lightbox-file' });
    const hint = element('p', { class: 'note' }, element('kbd', {}, '←'), ' ', element('kbd', {}, '→'), ' previous, next');
    const dialog = element('dialog', { class: 'lightbox', 'aria-label': 'Picture' }, texts, element('img', { alt: '' }), file, hint);
    dialog.addEventListener('close', () => {
      this.shown?.focus();
      this.shown = undefined;
    });
    this.append(dialog);
    return dialog;
  }
}

customElements.define('image-grid', ImageGrid);
