// Light, dark, or as the system has it. A cookie keeps the choice, so that the server sends the page in it at once.

const YEAR_S = 31_536_000;
const ORDER = ['system', 'light', 'dark'];
/** @type {Record<string, string>} */
const WORDS = { system: 'as the system', light: 'light', dark: 'dark' };

export function bindTheme() {
  for (const button of document.querySelectorAll('[data-theme-toggle]')) button.addEventListener('click', nextTheme);
  name();
}

/** Goes to the next of light, dark, as the system. */
export function nextTheme() {
  const now = document.documentElement.dataset.theme ?? 'system';
  const next = ORDER[(ORDER.indexOf(now) + 1) % ORDER.length] ?? 'system';
  if (next === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = next;
  document.cookie = `tenfold_theme=${next}; Path=/; Max-Age=${YEAR_S}; SameSite=Lax`;
  name();
  document.dispatchEvent(new CustomEvent('themechange'));
}

function name() {
  const now = document.documentElement.dataset.theme ?? 'system';
  for (const place of document.querySelectorAll('[data-theme-name]')) place.textContent = WORDS[now] ?? '';
}

window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  document.dispatchEvent(new CustomEvent('themechange'));
});
