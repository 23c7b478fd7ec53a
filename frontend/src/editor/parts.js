// Puts parts of the page in, as the server has rendered them.

const MADE_HERE = new Set(['tabindex', 'width', 'height']); // of the graph, as it is zoomed and walked

/** Makes the children of one those of another; what is equal stays, so that the browser lays out only what has changed. @param {Node} place @param {Node} wanted */
function patch(place, wanted) {
  let [old, next] = [place.firstChild, wanted.firstChild];
  while (old || next) {
    /** @type {[ChildNode | null, ChildNode | null]} */
    const after = [old?.nextSibling ?? null, next?.nextSibling ?? null];
    if (!next) old?.remove();
    else if (!old) place.appendChild(next);
    else same(old, next);
    [old, next] = after;
  }
}

/** @param {ChildNode} old @param {ChildNode} next */
function same(old, next) {
  if (old instanceof Element && next instanceof Element && old.nodeName === next.nodeName) {
    for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    for (const name of old.getAttributeNames()) if (!next.hasAttribute(name) && !MADE_HERE.has(name)) old.removeAttribute(name);
    patch(old, next);
  } else if (!(old instanceof Text && next instanceof Text)) old.replaceWith(next);
  else if (old.data !== next.data) old.data = next.data;
}

/** The focus, a half typed value and what was unfolded stay. @param {HTMLElement} editor @param {string} name @param {unknown} markup */
export function put(editor, name, markup) {
  const place = editor.querySelector(`[data-part="${name}"]`);
  if (!place || typeof markup !== 'string') return;
  const active = document.activeElement;
  const isInside = active && place.contains(active);
  const half = isInside && active instanceof HTMLInputElement && active.value !== active.defaultValue ? active.value : undefined;
  const path = isInside ? active.getAttribute('data-path') : null;
  const group = isInside ? active.getAttribute('data-unfold') ?? active.getAttribute('data-fold') : null;
  const open = [...place.querySelectorAll('details[open]')].map((each) => each.id);
  const parsed = new DOMParser().parseFromString(markup, 'text/html');
  for (const each of parsed.querySelectorAll('fieldset')) each.removeAttribute('disabled');
  if (place.querySelector('form')) place.replaceChildren(...parsed.body.childNodes); // whose fields keep no old value
  else patch(place, parsed.body);
  for (const each of place.querySelectorAll('details')) each.toggleAttribute('open', open.includes(each.id));
  if ('refresh' in place) /** @type {{refresh: () => void}} */ (/** @type {unknown} */ (place)).refresh();
  if (!isInside) return;
  const sought = path ? `[data-path="${CSS.escape(path)}"]` : group ? ['fold', 'unfold'].map((way) => `[data-${way}="${CSS.escape(group)}"]`).join() : '';
  const again = sought ? place.querySelector(sought) : active.id && document.getElementById(active.id);
  if (again instanceof HTMLElement || again instanceof SVGElement) again.focus({ preventScroll: true });
  if (again instanceof HTMLInputElement && half !== undefined) again.value = half;
}
