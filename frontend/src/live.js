// Figures that move in place, and parts of a page that are fetched anew when a job changes its state.
//   <span data-live="run.progress" data-of="first" data-path="progress.epoch" data-as="count">3</span>
//   <section id="work" data-refresh="state">: asks the page's own address for this part again when something changes state
//   <section data-refresh="epoch" data-of="first">: and here when an epoch of this run ends
import htmx from 'htmx.org';
import { announce, at } from './dom.js';
import { named } from './format.js';
import { subscribe } from './stream.js';

const NEWS = ['run.progress', 'dataset.progress', 'checkup.progress'];
const SETTLE_MS = 250;

/** The last state of each thing, by kind and id. @type {Map<string, unknown>} */
const states = new Map();
/** Parts to fetch by their ids, since a part that comes is another element; and those that are on their way. @type {Set<string>} */
const due = new Set();
/** @type {Set<string>} */
const asked = new Set();

export function bindLive() {
  const parts = document.querySelector('[data-refresh]');
  if (!parts && !document.querySelector('[data-live]')) return;
  for (const kind of NEWS) {
    subscribe(kind, (message) => {
      show(kind, message);
      if (isChange(kind, message)) change('state', message);
    });
  }
  if (!parts) return;
  subscribe('run.metrics', (message) => {
    const rows = /** @type {Record<string, number>[]} */ (message.rows ?? []);
    const judged = rows.findLast((row) => row.val_loss !== undefined);
    if (judged) change('epoch', message);
  });
  subscribe('reset', () => document.querySelectorAll('[data-refresh]').forEach(mark));
}

/**
 * Whether a thing is in another state than before. What was never heard of may be new to the page: it counts too,
 * unless the page says that it has it in this state.
 * @param {string} kind
 * @param {import('./stream.js').Message} message
 */
function isChange(kind, message) {
  const key = `${kind} ${message.id}`;
  const name = CSS.escape(String(message.name));
  const shown = document.querySelector(`[data-state-of="${name}"]`);
  const before = states.has(key) ? states.get(key) : shown instanceof HTMLElement ? shown.dataset.state : undefined;
  states.set(key, message.state);
  return before !== message.state;
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

/** @param {'state' | 'epoch'} what @param {import('./stream.js').Message} message */
function change(what, message) {
  const parts = [...document.querySelectorAll(`[data-refresh~="${what}"]`)].filter((part) => {
    return part instanceof HTMLElement && (!part.dataset.of || part.dataset.of === message.name);
  });
  if (parts.length) announce(`${message.name}: ${what === 'state' ? message.state : 'an epoch is finished'}`);
  parts.forEach(mark);
}

/** @param {Element} part */
function mark(part) {
  if (!(part instanceof HTMLElement)) return;
  if (!due.size) setTimeout(refresh, SETTLE_MS);
  due.add(part.id);
}

/** Fetches what is due; a part under the pointer or with the focus waits, so that nothing moves under a hand. */
function refresh() {
  for (const id of [...due]) {
    const part = document.getElementById(id);
    if (!part) {
      due.delete(id);
    } else if (!asked.has(id) && !isInUse(part)) {
      due.delete(id);
      asked.add(id);
      const page = part.dataset.page ?? location.pathname; // the answer to a form stands at an address of its own
      const address = page === location.pathname ? page + location.search : page;
      /** What has the focus when the new part comes, not when it was asked for. @type {string | null} */
      let focused = null;
      const settle = (/** @type {Event} */ event) => {
        if (event.target !== part) return;
        part.removeEventListener('htmx:beforeSwap', settle);
        if (isInUse(part)) {
          /** @type {CustomEvent} */ (event).detail.shouldSwap = false; // a hand came to it meanwhile: later
          mark(part);
        } else focused = focusedLink(part);
      };
      part.addEventListener('htmx:beforeSwap', settle);
      const swapped = htmx.ajax('get', address, { target: part, select: `#${part.id}`, swap: 'outerHTML' });
      swapped.then(() => focused && focusAgain(id, focused)).finally(() => asked.delete(id));
    }
  }
  if (due.size) setTimeout(refresh, 1000);
}

/** The address of the link with the focus, where it is in this part. @param {HTMLElement} part */
function focusedLink(part) {
  const focused = document.activeElement;
  return focused && part.contains(focused) ? focused.getAttribute('href') : null;
}

/** Gives a link of a part that was fetched anew the focus that its forerunner had. @param {string} id @param {string} href */
function focusAgain(id, href) {
  const link = document.querySelector(`#${CSS.escape(id)} [href="${CSS.escape(href)}"]`);
  if (link instanceof HTMLElement && document.activeElement === document.body) link.focus({ preventScroll: true });
}

/** @param {HTMLElement} part */
function isInUse(part) {
  const focused = document.activeElement;
  const isTyping = focused instanceof HTMLInputElement && part.contains(focused);
  const isPointed = part.matches('.order:hover');
  const isChoosing = part.querySelector('input[name="index"]:checked') !== null || focused?.matches('a.pic');
  return isTyping || isPointed || isChoosing || part.querySelector('dialog[open]') !== null;
}
