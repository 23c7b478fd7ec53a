// <network-editor>: code, graph, form and table over one text. The server reads the text and draws; what is typed is
// kept in this browser until it is saved.
import { redo, undo } from '@codemirror/commands';
import { nextDiagnostic } from '@codemirror/lint';
import { announce, element, need } from '../dom.js';
import { RequestFailed, json, post } from '../request.js';
import { Asker } from './asker.js';
import { compare } from './difference.js';
import { keep, kept } from './drafts.js';
import { operationOf } from './operations.js';
import { put } from './parts.js';
import { apply, mark, surface } from './surface.js';
import { offerTraining } from './training.js';

const TABLE_MS = 60;
const OLD = 'Typed here before the version that is saved now, which it would undo: see what is changed, or take that version.';

class NetworkEditor extends HTMLElement {
  layer = '';
  line = 0;
  opened = new Set();
  folded = new Set();
  asker = new Asker((signal) => this.look(signal));
  problems = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  later = undefined;

  async connectedCallback() {
    const source = need(this, '[data-source]');
    this.saved = source instanceof HTMLTextAreaElement ? source.value : '';
    this.readAddress();
    let known;
    try {
      known = await json('/networks/-/vocabulary');
    } catch (error) {
      announce(error instanceof Error ? error.message : '');
      return;
    }
    if (!this.isConnected || this.view) return;
    const draft = kept(this.name, this.saved);
    const host = element('div', { class: 'code-host' });
    need(this, '[data-plain]').replaceWith(host);
    for (const each of this.querySelectorAll('[data-plain-problem]')) each.remove();
    this.of = draft?.of ?? this.saved;
    this.view = surface(host, draft?.text ?? this.saved, known, {
      changed: () => this.changed(),
      moved: (view) => this.moved(view.state.doc.lineAt(view.state.selection.main.head).number),
      save: () => this.save(),
      step: (by) => this.step(by),
      format: () => this.format(),
    });
    this.bind();
    this.showKept();
    this.asker.now();
  }

  disconnectedCallback() {
    this.asker.stop();
    clearTimeout(this.later);
  }

  get text() {
    return this.view?.state.doc.toString() ?? this.saved ?? '';
  }

  get isOld() {
    return this.of !== this.saved;
  }

  get name() {
    return this.getAttribute('name') ?? '';
  }

  readAddress() {
    const query = new URLSearchParams(location.search);
    const listed = (/** @type {string} */ name) => (query.get(name) ?? '').split(',').filter(Boolean);
    this.opened = new Set(listed('open'));
    this.folded = new Set(listed('fold'));
    this.layer = query.get('layer') ?? '';
  }

  bind() {
    for (const each of this.querySelectorAll('[data-live], [data-undo], [data-format], [data-save], [data-zoom]')) each.removeAttribute('hidden');
    this.addEventListener('click', (event) => this.press(event));
    this.addEventListener('change', (event) => event.target instanceof Element && (event.target.id === 'against' ? this.compare(true) : this.operate(event.target)));
    this.addEventListener('submit', (event) => event.preventDefault());
    document.addEventListener('keydown', (event) => this.pressAnywhere(event));
    this.enablePanel();
  }

  /** @param {KeyboardEvent} event */
  pressAnywhere(event) {
    if (!this.view || !this.isConnected) return;
    const isInside = event.composedPath().includes(this.view.dom);
    if (event.key === 'F8' && !isInside && this.problems) {
      event.preventDefault();
      this.view.focus();
      nextDiagnostic(this.view);
    }
    const isUndo = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'z';
    const target = event.composedPath()[0];
    const isTyping = target instanceof HTMLInputElement && target.value !== target.defaultValue;
    if (!isUndo || isInside || isTyping) return;
    event.preventDefault();
    (event.shiftKey ? redo : undo)(this.view);
  }

  // the text

  changed() {
    if (this.text === this.saved) this.of = this.saved;
    if (!keep(this.name, this.text, this.saved ?? '', this.of)) announce('This browser keeps nothing: save before you leave.');
    this.showKept();
    this.asker.soon();
  }

  showKept() {
    const isChanged = this.text !== this.saved;
    need(this, '[data-draft]').hidden = !isChanged;
    if (!isChanged) this.compare(false);
    need(this, '[data-draft-text]').textContent = this.isOld ? OLD : 'Changed here and kept in this browser; not saved.';
    this.judge();
  }

  judge() {
    offerTraining(this, this.problems ? 'mend it to train' : this.text !== this.saved ? 'save it to train' : '');
  }

  /** Keeps the text as a version; what is refused stays here. */
  async save() {
    const { text } = this;
    if (!this.querySelector('[data-save]')) return;
    await this.attempt(async () => {
      const { url } = await post('/networks/-/save', { name: this.name, text, current: this.isOld ? '' : this.getAttribute('current') });
      keep(this.name, '', '');
      location.assign(url);
    });
  }

  /** @param {number} line */
  moved(line) {
    if (line === this.line) return;
    this.line = line;
    this.asker.soon();
  }

  /** To the next or previous layer of the graph. @param {number} by */
  step(by) {
    const layers = [...this.querySelectorAll('a.layer')];
    const now = layers.findIndex((each) => each.getAttribute('data-path') === this.layer);
    const next = layers[Math.max(0, Math.min(layers.length - 1, now + by))];
    if (next) this.choose(next);
  }

  /** @param {Element} link */
  choose(link) {
    this.layer = link.getAttribute('data-path') ?? '';
    const graph = this.querySelector(`a.layer[data-path="${CSS.escape(this.layer)}"]`);
    const line = Number(link.getAttribute('data-line') ?? graph?.getAttribute('data-line'));
    const { view } = this;
    if (!view || !line || line > view.state.doc.lines) return;
    this.line = line;
    view.dispatch({ selection: { anchor: view.state.doc.line(line).from }, scrollIntoView: true });
    this.asker.now();
  }

  // what the server says

  /** @param {AbortSignal} signal */
  async look(signal) {
    const { text, layer, line } = this;
    const asked = { address: this.getAttribute('address'), text, opened: [...this.opened], folded: [...this.folded], layer, line };
    try {
      const answer = await post('/networks/-/look', asked, signal);
      return text === this.text ? () => this.show(answer) : undefined;
    } catch (error) {
      if (error instanceof RequestFailed) this.fail(error.message);
      return undefined;
    }
  }

  /** @param {any} answer */
  show(answer) {
    if (!this.view) return;
    this.layer = answer.layer || this.layer;
    const before = this.problems;
    this.problems = answer.problems.length;
    mark(this.view, answer.problems, answer.warnings);
    const { costs, ...seen } = answer.parts;
    for (const [name, markup] of Object.entries(seen)) put(this, name, markup);
    clearTimeout(this.later);
    this.later = setTimeout(() => put(this, 'costs', costs), TABLE_MS); // which stands below what is looked at
    this.enablePanel();
    if (this.querySelector('[data-compare][aria-expanded="true"]')) this.compare(true);
    this.judge();
    if (this.problems !== before) announce(this.problems ? answer.problems[0].message : 'The text has no errors.');
  }

  /** @param {string} message */
  fail(message) {
    need(this, '[data-draft]').hidden = false;
    const kept = this.text === this.saved ? '' : ' What you typed is kept in this browser.';
    need(this, '[data-draft-text]').textContent = message + kept;
  }

  enablePanel() {
    for (const each of this.querySelectorAll('[data-panel] fieldset')) each.removeAttribute('disabled');
  }

  // what is pressed

  /** @param {MouseEvent} event */
  press(event) {
    const target = event.target instanceof Element ? event.target.closest('a, button') : null;
    const graph = this.querySelector('network-graph');
    if (!target || !this.view || event.ctrlKey || event.metaKey) return;
    if (graph?.classList.contains('is-dragged') && graph.contains(target)) event.preventDefault();
    else if (target.matches('a.flip')) this.flip(event, target);
    else if (target.matches('a[data-path]')) {
      event.preventDefault();
      this.choose(target);
    } else if (target.hasAttribute('data-undo')) undo(this.view);
    else if (target.hasAttribute('data-save')) this.save();
    else if (target.hasAttribute('data-compare')) this.compare(target.ariaExpanded !== 'true');
    else if (target.hasAttribute('data-format')) this.format();
    else if (target.closest('[data-operate]')) this.operate(target);
    else if (target.hasAttribute('data-discard')) {
      this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: this.saved ?? '' }, userEvent: 'input.discard' });
    } else if (target.hasAttribute('data-zoom-by') && graph && 'zoom' in graph) {
      /** @type {{zoom: (by: number) => void}} */ (/** @type {unknown} */ (graph)).zoom(Number(target.getAttribute('data-zoom-by')));
    }
  }

  /** @param {MouseEvent} event @param {Element} link */
  flip(event, link) {
    event.preventDefault();
    const [unfold, fold] = [link.getAttribute('data-unfold'), link.getAttribute('data-fold')];
    if (unfold) {
      this.opened.add(unfold);
      this.folded.delete(unfold);
    } else if (fold) {
      this.opened.delete(fold);
      this.folded.add(fold);
    }
    history.replaceState(null, '', link.getAttribute('href') ?? '');
    this.asker.now();
  }

  /** A field or button of the form: the server says which characters of the text that changes. @param {Element} from */
  async operate(from) {
    const operation = operationOf(from);
    const form = from.closest('[data-panel]');
    if (!operation || !form || !this.view) return;
    const refused = need(form, '[data-refused]');
    refused.hidden = true;
    try {
      const answer = await this.change('/networks/-/edit', operation, 'input.panel');
      const place = answer && this.view.state.doc.line(Math.min(answer.line, this.view.state.doc.lines));
      if (place) this.view.dispatch({ selection: { anchor: place.from }, scrollIntoView: true });
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      refused.textContent = error.message;
      refused.hidden = false;
      from.setAttribute('aria-invalid', 'true');
    }
  }

  /** Changes the text as the server answers. @param {string} url @param {Record<string, unknown>} asked @param {string} event */
  async change(url, asked, event) {
    const { text } = this;
    const answer = await post(url, { text, ...asked });
    if (!this.view || text !== this.text) return undefined;
    apply(this.view, answer.edits, event);
    announce(answer.says);
    return answer;
  }

  /** @param {boolean} isShown */
  compare(isShown) {
    return this.attempt(() => compare(this, { name: this.name, text: this.text }, isShown));
  }

  format() {
    return this.attempt(() => this.change('/networks/-/format', {}, 'input.format'));
  }

  /** @param {() => Promise<unknown>} act */
  async attempt(act) {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      this.fail(error.message);
    }
  }
}

customElements.define('network-editor', NetworkEditor);
