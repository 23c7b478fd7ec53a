// One event stream a tab: closed while the tab is hidden, continued after the last event seen.

const ADDRESS = '/api/v1/events';
const PAUSE_MS = 4000;

/** @typedef {Record<string, unknown> & {id?: string, name?: string}} Message */
/** @typedef {(message: Message) => void} Handler */

/** @type {Map<string, Set<Handler>>} */
const handlers = new Map();
/** @type {EventSource | null} */
let source = null;
/** The last event heard; at first the one before which the page was made, so that nothing falls between the two. */
let lastId = document.body.dataset.heard ?? '';
let heardAt = 0;
let retryAt = 0;

/**
 * Calls `handler` with every message of a kind; returns the function that ends it.
 * @param {string} kind
 * @param {Handler} handler
 * @returns {() => void}
 */
export function subscribe(kind, handler) {
  let known = handlers.get(kind);
  if (!known) {
    known = new Set();
    handlers.set(kind, known);
    source?.addEventListener(kind, receive);
  }
  known.add(handler);
  if (!source && !document.hidden) open();
  return () => known.delete(handler);
}

/** When anything was last heard and when the next try is, in milliseconds since 1970; 0 for never. */
export const liveness = () => ({ heardAt, retryAt });

function open() {
  const place = lastId ? `?after=${encodeURIComponent(lastId)}` : '';
  retryAt = 0;
  source = new EventSource(ADDRESS + place);
  source.addEventListener('open', () => {
    heardAt = Date.now();
  });
  source.addEventListener('error', pause);
  for (const kind of handlers.keys()) source.addEventListener(kind, receive);
}

function close() {
  source?.close();
  source = null;
}

function pause() {
  close();
  if (document.hidden) return;
  retryAt = Date.now() + PAUSE_MS;
  setTimeout(() => {
    if (!source && !document.hidden) open();
  }, PAUSE_MS);
}

/** @param {MessageEvent} event */
function receive(event) {
  heardAt = Date.now();
  if (event.lastEventId) lastId = event.lastEventId;
  const message = JSON.parse(event.data);
  for (const handler of handlers.get(event.type) ?? []) handler(message);
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) close();
  else if (!source && handlers.size) open();
});
window.addEventListener('pagehide', close);
window.addEventListener('pageshow', (event) => {
  if (event.persisted && !source && handlers.size) open();
});
