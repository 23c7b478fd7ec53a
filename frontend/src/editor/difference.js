// What a text that is not saved has otherwise than what is saved, or than anything else that is chosen.
import { need } from '../dom.js';
import { post } from '../request.js';
import { put } from './parts.js';

/** Shows it in the editor, or hides it. @param {HTMLElement} editor @param {{name: string, text: string}} asked @param {boolean} isShown */
export async function compare(editor, asked, isShown) {
  const place = need(editor, '[data-part="draft"]');
  need(editor, '[data-compare]').ariaExpanded = String(isShown);
  place.hidden = !isShown;
  if (!isShown) return;
  const against = place.querySelector('select')?.value ?? '';
  const { draft } = await post('/networks/-/difference', { ...asked, against });
  put(editor, 'draft', draft);
}
