// <matrix-plot>: a confusion matrix that is a real table. Arrow keys walk its cells; a sentence names the one in hand.
import { need } from '../dom.js';

class MatrixPlot extends HTMLElement {
  connectedCallback() {
    this.sentence = need(this, '.matrix-sentence');
    this.rest = this.sentence.textContent ?? '';
    const table = this.querySelector('table');
    table?.addEventListener('pointerover', (event) => this.point(event.target));
    table?.addEventListener('pointerleave', () => this.point(null));
    table?.addEventListener('focusin', (event) => this.point(event.target));
    table?.addEventListener('keydown', (event) => this.walk(event));
  }

  /** @param {EventTarget | null} target */
  point(target) {
    for (const lit of this.querySelectorAll('.is-lit')) lit.classList.remove('is-lit');
    const cell = target instanceof Element ? target.closest('td[data-says]') : null;
    if (this.sentence) this.sentence.textContent = cell instanceof HTMLElement ? (cell.dataset.says ?? '') : (this.rest ?? '');
    if (!(cell instanceof HTMLTableCellElement)) return;
    const row = cell.parentElement;
    row?.querySelector('th')?.classList.add('is-lit');
    this.querySelectorAll('thead th')[cell.cellIndex]?.classList.add('is-lit');
  }

  /** @param {KeyboardEvent} event */
  walk(event) {
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    const cell = event.target instanceof Element ? event.target.closest('td') : null;
    const row = cell?.parentElement;
    if (!step || !cell || !(row instanceof HTMLTableRowElement)) return;
    const body = /** @type {HTMLTableSectionElement} */ (row.parentElement);
    const next = body.rows[row.sectionRowIndex + (step[0] ?? 0)]?.cells[cell.cellIndex + (step[1] ?? 0)];
    if (!next?.dataset.says) return;
    event.preventDefault();
    cell.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }
}

customElements.define('matrix-plot', MatrixPlot);
