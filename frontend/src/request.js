// Requests to our own server; errors carry the server's own sentence.

/** The header that tells our own scripts from a foreign page's form. */
export const HEADERS = { 'X-Tenfold-Request': '1' };

/** `status` is the server's, 0 where none answered. */
export class RequestFailed extends Error {
  /** @param {string} text @param {number} [status] */
  constructor(text, status = 0) {
    super(text);
    this.status = status;
  }
}

/**
 * The JSON answer of an address; raises `RequestFailed` with the problem's text.
 * @param {string} url
 * @param {RequestInit} [options]
 * @returns {Promise<any>}
 */
export async function json(url, options = {}) {
  let answer;
  try {
    answer = await fetch(url, { ...options, headers: { Accept: 'application/json', ...HEADERS, ...options.headers } });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new RequestFailed('The server does not answer. Is it running?');
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new RequestFailed(sentence(body, answer.status), answer.status);
  return body;
}

/** The answer to a body sent as JSON. @param {string} url @param {object} body @param {AbortSignal} [signal] */
export const post = (url, body, signal) => json(url, {
  method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' }, ...(signal ? { signal } : {}),
});

/**
 * The sentence of a problem (RFC 9457).
 * @param {{detail?: unknown, title?: unknown}} problem
 * @param {number} status
 */
export function sentence(problem, status) {
  const text = problem.detail || problem.title;
  return typeof text === 'string' ? text : `The server answered ${status}.`;
}
