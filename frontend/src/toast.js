// A toast leaves after ten seconds, unless it is pointed at or has the focus.

const STAYS_MS = 10_000;

export function bindToasts() {
  for (const toast of document.querySelectorAll('.toast')) leave(toast);
}

/** @param {Element} toast */
function leave(toast) {
  setTimeout(() => {
    if (toast.matches(':hover') || toast.contains(document.activeElement)) leave(toast);
    else toast.remove();
  }, STAYS_MS);
}
