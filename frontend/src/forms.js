// What plain forms lack: the focus on the first error, no second submit, dialogs, copying, leaving with unsaved values.

export function bindForms() {
  document.addEventListener('submit', begin);
  document.addEventListener('click', press);
  document.addEventListener('change', follow);
  document.addEventListener('htmx:afterSwap', focusError);
  window.addEventListener('pageshow', release);
  focusError();
}

/** A form that is on its way is not sent twice. @param {SubmitEvent} event */
function begin(event) {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || event.defaultPrevented || form.method === 'dialog') return;
  if (form.dataset.sent) event.preventDefault();
  else if (form.method === 'post') form.dataset.sent = 'true';
}

/** What was recognised stands in the way in that is chosen. @param {Event} event */
function follow(event) {
  const chosen = event.target instanceof HTMLInputElement && event.target.name === 'source' ? event.target : null;
  const looked = document.querySelector('.sources .looked');
  if (chosen && looked) chosen.closest('.source')?.append(looked);
}

function release() {
  for (const form of document.querySelectorAll('form[data-sent]')) form.removeAttribute('data-sent');
}

function focusError() {
  release();
  const field = document.querySelector('form[data-refused] [aria-invalid="true"]');
  if (!(field instanceof HTMLElement)) return;
  field.closest('form')?.removeAttribute('data-refused');
  field.focus();
}

/** @param {MouseEvent} event */
function press(event) {
  const target = event.target instanceof Element ? event.target.closest('[data-opens], [data-closes], [data-copy]') : null;
  if (!(target instanceof HTMLElement)) return;
  const dialog = document.getElementById(target.dataset.opens ?? '');
  if (dialog instanceof HTMLDialogElement) {
    event.preventDefault();
    dialog.showModal();
  }
  if (target.hasAttribute('data-closes')) target.closest('dialog')?.close();
  if (target.dataset.copy) copy(target, target.dataset.copy);
}

/** @param {HTMLElement} button @param {string} id */
async function copy(button, id) {
  const text = document.getElementById(id)?.textContent ?? '';
  try {
    await navigator.clipboard.writeText(text.trim());
    button.textContent = 'Copied';
  } catch {
    const range = document.createRange();
    range.selectNodeContents(/** @type {Node} */ (document.getElementById(id)));
    getSelection()?.removeAllRanges();
    getSelection()?.addRange(range);
    button.textContent = 'Selected: press Ctrl C';
  }
}
