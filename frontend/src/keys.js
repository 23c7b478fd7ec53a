// Keys of the design. Single letters act outside fields only, and not at all where Settings switched them off.
import { nextTheme } from './theme.js';

const GO_MS = 1500;
/** @type {Record<string, string>} */
const PLACES = { h: '/', d: '/datasets', n: '/networks', r: '/runs', m: '/models', q: '/queue' };
let wentAt = 0;

export function bindKeys() {
  document.addEventListener('keydown', press);
  for (const button of document.querySelectorAll('[data-show-keys]')) button.addEventListener('click', showKeys);
}

/** @param {KeyboardEvent} event */
function press(event) {
  if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) return submit(event);
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return undefined;
  if (document.body.dataset.letters === 'off' || document.querySelector('dialog[open]')) return undefined;
  const key = event.key.toLowerCase();
  const isGoing = Date.now() - wentAt < GO_MS;
  wentAt = 0;
  if (isGoing) return go(event, PLACES[key]);
  /** @type {Record<string, () => void>} */
  const acts = {
    g: () => { wentAt = Date.now(); },
    n: () => go(event, document.body.dataset.newRun),
    t: nextTheme,
    u: undo,
    j: () => row(1),
    k: () => row(-1),
    '?': showKeys,
    '/': () => find(event),
    f8: nextError,
  };
  acts[key]?.();
  return undefined;
}

/** @param {KeyboardEvent} event @param {string | undefined} address */
function go(event, address) {
  if (!address) return;
  event.preventDefault();
  location.assign(address);
}

/** Takes the last change of this page's thing back, where there is one. */
function undo() {
  const form = document.querySelector('form[action$="/undo"]');
  if (form instanceof HTMLFormElement) form.requestSubmit();
}

/** @param {KeyboardEvent} event */
function submit(event) {
  const within = event.target instanceof Element ? event.target.closest('form') : null;
  const form = within ?? document.querySelector('form[data-main]');
  if (!(form instanceof HTMLFormElement) || !form.hasAttribute('data-main')) return;
  event.preventDefault();
  form.requestSubmit();
}

/** Moves the focus to the name in the next or previous row of the page's tables. @param {number} step */
function row(step) {
  const names = [...document.querySelectorAll('main table.t .name')].filter((name) => name instanceof HTMLElement);
  const now = names.findIndex((name) => name === document.activeElement);
  const next = names[Math.max(0, Math.min(names.length - 1, now + step))];
  if (next instanceof HTMLElement) next.focus();
}

/** @param {KeyboardEvent} event */
function find(event) {
  const field = document.querySelector('main input[type="search"]');
  if (!(field instanceof HTMLElement)) return;
  event.preventDefault();
  field.focus();
}

function nextError() {
  const fields = [...document.querySelectorAll('[aria-invalid="true"]')];
  const now = fields.findIndex((field) => field === document.activeElement);
  const next = fields[(now + 1) % fields.length];
  if (next instanceof HTMLElement) next.focus();
}

function showKeys() {
  const dialog = document.getElementById('keys');
  if (dialog instanceof HTMLDialogElement) dialog.showModal();
}

/** @param {KeyboardEvent} event */
function isTyping(event) {
  const target = event.composedPath()[0];
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return !['checkbox', 'radio', 'button', 'submit'].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement || target.isContentEditable;
}
