// Figures that move in place, and parts of a page that are fetched anew when a job changes its state.
//   <span data-live="run.progress" data-of="first" data-path="facts.epoch" data-as="count">3</span>
//   <section id="running" data-refresh="job.state dataset.state">: asks the page's own address for this part again
import htmx from 'htmx.org';
import { announce, at } from './dom.js';
import { named } from './format.js';
import { subscribe } from './stream.js';

const FIGURES = ['run.progress', 'run.metrics', 'dataset.progress'];
const STATES = ['job.state', 'dataset.state'];
const SETTLE_MS = 250;

/** @type {Set<HTMLElement>} */
const due = new Set();

export function bindLive() {
  for (const kind of FIGURES) {
    if (document.querySelector(`[data-live="${kind}"]`)) subscribe(kind, (message) => show(kind, message));
  }
  if (document.querySelector('[data-refresh]')) {
    for (const kind of STATES) subscribe(kind, (message) => change(kind, message));
    subscribe('reset', () => document.querySelectorAll('[data-refresh]').forEach(mark));
  }
}

/** @param {string} kind @param {import('./stream.js').Message} message */
function show(kind, message) {
  for (const figure of document.querySelectorAll(`[data-live="${kind}"]`)) {
    if (!(figure instanceof HTMLElement) || figure.dataset.of !== message.name) continue;
    const value = at(message, figure.dataset.path ?? '');
    if (value === undefined || value === null) continue;
    const shown = figure.dataset.as && typeof value === 'number' ? named(figure.dataset.as)(value) : String(value);
    if (figure.textContent !== shown) figure.textContent = shown;
  }
}

/** @param {string} kind @param {import('./stream.js').Message} message */
function change(kind, message) {
  if (typeof message.state === 'string' && message.name) announce(`${message.name}: ${message.state}`);
  for (const part of document.querySelectorAll(`[data-refresh~="${kind}"]`)) {
    if (!(part instanceof HTMLElement)) continue;
    if (!part.dataset.of || part.dataset.of === message.name) mark(part);
  }
}

/** @param {Element} part */
function mark(part) {
  if (!(part instanceof HTMLElement)) return;
  if (!due.size) setTimeout(refresh, SETTLE_MS);
  due.add(part);
}

/** Fetches what is due; a part under the pointer or with the focus waits, so that nothing moves under a hand. */
function refresh() {
  for (const part of [...due]) {
    if (!part.isConnected) {
      due.delete(part);
    } else if (!isInUse(part)) {
      due.delete(part);
      const address = location.pathname + location.search;
      htmx.ajax('get', address, { target: part, select: `#${part.id}`, swap: 'outerHTML' });
    }
  }
  if (due.size) setTimeout(refresh, 1000);
}

/** @param {HTMLElement} part */
function isInUse(part) {
  const focused = document.activeElement;
  const isTyping = focused instanceof HTMLInputElement && part.contains(focused);
  const isPointed = part.matches('.order:hover');
  return isTyping || isPointed || part.querySelector('dialog[open]') !== null;
}
