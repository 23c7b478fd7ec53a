// The code surface: CodeMirror in a shadow root, where its style sheets are adopted and the page's own rules hold.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, indentUnit } from '@codemirror/language';
import { lintGutter, lintKeymap, setDiagnostics } from '@codemirror/lint';
import { EditorState, StateEffect, StateField } from '@codemirror/state';
import {
  Decoration, EditorView, WidgetType, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers,
} from '@codemirror/view';
import { element } from '../dom.js';
import { colours, completion, help, language } from './language.js';

/**
 * @typedef {{start: number, end: number, text: string}} Edit
 * @typedef {{label: string, edits: Edit[]}} Fix
 * @typedef {{message: string, start: number, end: number, line: number, fixes: Fix[], code: string}} Problem
 */

const MOST_FIXES = 3;
const MOST_TOLD = 3;
const TYPING_MS = 500; // a line that is typed on is left in peace so long

const look = EditorView.theme({
  '&': { backgroundColor: 'var(--surface)', color: 'var(--ink)', border: '1px solid var(--line)', fontSize: '12.5px', maxHeight: 'var(--code-height)' },
  '&.cm-focused': { outline: '2px solid var(--focus)', outlineOffset: '2px' },
  '.cm-scroller': { overflow: 'auto', fontFamily: 'var(--mono)', lineHeight: '1.62' },
  '.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--ink-3)', border: '0' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--accent-weak)' },
  '.cm-cursor': { borderLeftColor: 'var(--ink)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': { backgroundColor: 'var(--heat-1)' },
  '.cm-tooltip': { backgroundColor: 'var(--surface)', color: 'var(--ink)', border: '1px solid var(--control)', font: '400 13px/1.45 var(--font)' },
  '.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent)', color: 'var(--on-accent)' },
  '.cm-help, .cm-completionInfo': { padding: '.4rem .6rem', maxWidth: '24rem' },
  '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--bad)', textUnderlineOffset: '.25em' },
  '.cm-lintRange-warning': { backgroundImage: 'none', textDecoration: 'underline wavy var(--warn)', textUnderlineOffset: '.25em' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--bad)' },
  '.told': { padding: '.2rem 0 .4rem .2rem' }, // room, not margin, which the lines' numbers would miss
  '.told > div': { padding: '.5rem .7rem', backgroundColor: 'var(--bad-weak)', borderLeft: '2px solid var(--bad)', font: '400 13px/1.45 var(--font)', whiteSpace: 'normal', maxWidth: 'min(34rem, calc(100vw - 7rem))' },
  '.told p': { margin: '0' },
  '.told p.told-fixes': { display: 'flex', flexWrap: 'wrap', gap: '.5rem', marginTop: '.45rem' },
  '.told button': { minHeight: '1.625rem', padding: '0 .6rem', border: '1px solid var(--control)', borderRadius: '2px', backgroundColor: 'var(--surface)', color: 'var(--ink)', font: '500 13px var(--font)', cursor: 'pointer' },
  '.told button:hover': { backgroundColor: 'var(--well)' },
});

class Told extends WidgetType {
  /** @param {Problem} problem */
  constructor(problem) {
    super();
    this.problem = problem;
  }

  /** @param {Told} other */
  eq(other) {
    return JSON.stringify(other.problem) === JSON.stringify(this.problem);
  }

  /** @param {EditorView} view */
  toDOM(view) {
    const fixes = this.problem.fixes.slice(0, MOST_FIXES).map((fix) => {
      const button = element('button', { type: 'button' }, fix.label);
      button.addEventListener('click', () => apply(view, fix.edits, 'input.fix'));
      return button;
    });
    const box = element('div', {}, element('p', {}, this.problem.message));
    if (fixes.length) box.append(element('p', { class: 'told-fixes' }, ...fixes));
    return element('div', { class: 'told', role: 'alert' }, box);
  }

  ignoreEvent() {
    return true;
  }
}

/** @type {import('@codemirror/state').StateEffectType<Problem[]>} */
const tell = StateEffect.define();
const told = StateField.define({
  create: () => Decoration.none,
  update(now, transaction) {
    let next = now.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(tell)) continue;
      const { doc } = transaction.state;
      next = Decoration.set(effect.value.slice(0, MOST_TOLD).map((problem) => {
        const line = doc.lineAt(Math.min(problem.start, doc.length));
        return Decoration.widget({ widget: new Told(problem), block: true, side: 1 }).range(line.to);
      }), true);
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/**
 * An editor of a text in a host of its own.
 * @param {HTMLElement} host
 * @param {string} text
 * @param {import('./language.js').Vocabulary} known
 * @param {{changed: (view: EditorView) => void, moved: (view: EditorView) => void, save: () => void, step: (by: number) => void, format: () => void}} acts
 */
export function surface(host, text, known, acts) {
  const root = host.attachShadow({ mode: 'open' });
  const run = (/** @type {() => void} */ act) => () => { act(); return true; };
  return new EditorView({
    parent: root,
    root,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(), highlightActiveLineGutter(), highlightActiveLine(), history(), drawSelection(), bracketMatching(), closeBrackets(),
        lintGutter(), indentUnit.of('  '), look, colours, language(known), help(known), told,
        autocompletion({ override: [completion(known)] }),
        keymap.of([
          { key: 'Mod-s', run: run(acts.save) },
          { key: 'Shift-Alt-f', run: run(acts.format) },
          { key: 'Alt-ArrowDown', run: run(() => acts.step(1)) },
          { key: 'Alt-ArrowUp', run: run(() => acts.step(-1)) },
          ...closeBracketsKeymap, ...completionKeymap, ...lintKeymap, ...historyKeymap, ...defaultKeymap,
        ]),
        EditorView.domEventHandlers({ beforeinput: typeOver }),
        EditorView.contentAttributes.of({ 'aria-label': 'Text of the network' }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) acts.changed(update.view);
          else if (update.selectionSet) acts.moved(update.view);
        }),
      ],
    }),
  });
}

/**
 * Text typed over marked text is put in here: the browser would keep the colours of the old one in a style attribute,
 * which the policy of the page does not let it write.
 * @param {InputEvent} event @param {EditorView} view
 */
function typeOver(event, view) {
  if (event.inputType !== 'insertText' || !event.data || view.state.selection.main.empty || '([{"'.includes(event.data)) return false;
  event.preventDefault();
  view.dispatch(view.state.replaceSelection(event.data), { userEvent: 'input.type', scrollIntoView: true });
  return true;
}

/** @type {ReturnType<typeof setTimeout> | undefined} */
let later;

/** Shows problems and warnings of the text as it stands. @param {EditorView} view @param {Problem[]} problems @param {Problem[]} warnings */
export function mark(view, problems, warnings) {
  const units = counter(view.state.doc.toString());
  const placed = (/** @type {Problem} */ each) => ({ ...each, start: units(each.start), end: Math.max(units(each.end), units(each.start)) });
  const severities = [...problems.map((each) => ({ ...placed(each), severity: /** @type {const} */ ('error') })),
    ...warnings.map((each) => ({ ...placed(each), severity: /** @type {const} */ ('warning') }))];
  const diagnostics = severities.map((each) => ({
    from: each.start,
    to: each.end,
    severity: each.severity,
    message: each.message,
    actions: each.fixes.slice(0, MOST_FIXES).map((fix) => ({ name: fix.label, apply: () => apply(view, fix.edits, 'input.fix') })),
  }));
  const all = problems.map(placed);
  const { doc } = view.state;
  const typed = view.hasFocus ? doc.lineAt(view.state.selection.main.head) : undefined;
  const isTyped = (/** @type {Problem} */ each) => typed !== undefined && typed.from <= each.start && each.start <= typed.to;
  const isTold = typed !== undefined && view.state.field(told).iter(typed.to).from === typed.to;
  const atOnce = isTold ? all : all.filter((each) => !isTyped(each));
  view.dispatch(setDiagnostics(view.state, diagnostics), { effects: tell.of(atOnce) });
  clearTimeout(later);
  if (atOnce.length < all.length) later = setTimeout(() => view.state.doc === doc && view.dispatch({ effects: tell.of(all) }), TYPING_MS);
}

/** Makes edits of the server's as one step that can be undone. @param {EditorView} view @param {Edit[]} edits @param {string} event */
export function apply(view, edits, event) {
  const units = counter(view.state.doc.toString());
  const changes = edits.map((edit) => ({ from: units(edit.start), to: units(edit.end), insert: edit.text }));
  view.dispatch({ changes, userEvent: event });
}

/** The server counts characters, the browser halves of those beyond 2^16. @param {string} text */
function counter(text) {
  if (!/[\ud800-\udbff]/.test(text)) return (/** @type {number} */ offset) => Math.min(offset, text.length);
  const starts = [0];
  for (const sign of text) starts.push((starts.at(-1) ?? 0) + sign.length);
  return (/** @type {number} */ offset) => starts[Math.min(offset, starts.length - 1)] ?? text.length;
}
