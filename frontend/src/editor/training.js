/** *Train it* is off, with the reason, while it would train something else than what stands in the editor. @param {HTMLElement} editor @param {string} reason */
export function offerTraining(editor, reason) {
  const link = editor.querySelector('[data-train]');
  if (!(link instanceof HTMLAnchorElement)) return;
  link.dataset.href ||= link.href;
  link.toggleAttribute('href', !reason);
  if (!reason) link.href = link.dataset.href;
  link.ariaDisabled = reason ? 'true' : 'false';
  const why = editor.querySelector('#why-not');
  if (why && reason) why.textContent = reason;
}
