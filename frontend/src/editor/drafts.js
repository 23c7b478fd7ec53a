// What was typed and not saved, kept in this browser by the name of its network.
const KEPT = 'tenfold.network.';

/** Keeps a text, or lets it go where it is what is saved; whether this browser could. @param {string} name @param {string} text @param {string} saved @param {string} [of] what it was typed on */
export function keep(name, text, saved, of = saved) {
  try {
    if (text === saved) localStorage.removeItem(KEPT + name);
    else localStorage.setItem(KEPT + name, JSON.stringify({ text, of }));
    return true;
  } catch {
    return false;
  }
}

/**
 * The text that was kept, if it says something else than the saved one, and what it was typed on: another text than the
 * saved one where that was saved since.
 * @param {string} name @param {string} saved @returns {{text: string, of: string} | undefined}
 */
export function kept(name, saved) {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT + name) ?? 'null');
    return typeof found?.text === 'string' && found.text !== saved ? { text: found.text, of: String(found.of) } : undefined;
  } catch {
    return undefined;
  }
}
