// Small steps on the page's tree.

/**
 * An element with attributes and children; texts are never read as markup.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * The first match inside, which the page's template promises.
 * @param {ParentNode} parent
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function need(parent, selector) {
  const found = parent.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`No ${selector} in this element.`);
  return found;
}

/**
 * The number or text under a dotted path, as in `values.val_loss`.
 * @param {unknown} data
 * @param {string} path
 * @returns {unknown}
 */
export function at(data, path) {
  let value = data;
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = /** @type {Record<string, unknown>} */ (value)[step];
  }
  return value;
}

/** Says a sentence to screen readers. @param {string} sentence */
export function announce(sentence) {
  const region = document.getElementById('announcements');
  if (region) region.textContent = sentence;
}
