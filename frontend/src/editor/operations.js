// What the form of a layer asks for: an operation, of which the server says which characters of the text it changes.

/** @param {Element} group Its named fields; those of one name are joined. @returns {Record<string, string>} */
function gathered(group) {
  /** @type {Record<string, string>} */
  const found = {};
  for (const each of group.querySelectorAll('input[name], select[name]')) {
    if (!(each instanceof HTMLInputElement || each instanceof HTMLSelectElement)) continue;
    found[each.name] = [found[each.name], each.value.trim()].filter(Boolean).join(', ');
  }
  return found;
}

/** @param {HTMLInputElement | HTMLSelectElement} field @param {Element} form */
function argumentOf(field, form) {
  const { argument = '', kind, parameter } = field.dataset;
  const value = field.value.trim();
  if (kind === 'activation') return { action: 'activate', value };
  const only = form.querySelector(`[data-only-here="${argument}"]`);
  const isOnlyHere = only instanceof HTMLInputElement && only.checked;
  return { action: 'set', argument, value, ...(parameter && !isOnlyHere ? { of_parameter: true } : {}) };
}

/** The operation that a changed field or a pressed button asks for. @param {Element} from @returns {Record<string, unknown> | undefined} */
export function operationOf(from) {
  const form = from.closest('[data-panel]');
  const group = from.closest('[data-operate]');
  if (!form) return undefined;
  const line = Number(form.getAttribute('data-line'));
  if (group instanceof HTMLElement) {
    const waits = !(from instanceof HTMLButtonElement) && group.querySelector('button');
    const { until, ...fields } = gathered(group);
    const given = Object.entries(fields).filter(([, value]) => value);
    return waits ? undefined : { line, action: group.dataset.operate, ...Object.fromEntries(given), ...(until ? { until: Number(until) } : {}) };
  }
  const isField = from instanceof HTMLInputElement || from instanceof HTMLSelectElement;
  return isField && from.dataset.argument ? { line, ...argumentOf(from, form) } : undefined;
}
