// The network language for the code surface: colours, completion and help, all from the vocabulary of the server.
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from '@codemirror/language';
import { hoverTooltip } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { element } from '../dom.js';

/**
 * @typedef {{name: string, type: string, help: string, required: boolean, default: string, choices: string[], allowed: string}} Argument
 * @typedef {{help: string, arguments: Argument[]}} Kind
 * @typedef {{layers: Record<string, Kind>, common: Argument[], output: Argument[], inputs: Record<string, string[]>,
 *   functions: string[], initialisers: string[], statements: Record<string, string>, reserved: string[]}} Vocabulary
 * @typedef {{name: string, about: string}} Declared
 */

const BACK = 4000;
const NAMING = new Set(['param', 'let', 'input', 'output', 'block', 'network']);
const VALUES = new Set(['true', 'false', 'none']);

/** @param {Vocabulary} known */
export function language(known) {
  const words = new Set([...known.reserved, ...Object.keys(known.statements)]);
  const kinds = new Set([...Object.keys(known.layers), ...Object.keys(known.inputs), 'share']);
  return StreamLanguage.define({
    name: 'network',
    startState: () => ({ depth: 0, last: '' }),
    token(stream, state) {
      if (stream.sol()) state.last = '';
      if (stream.sol() && /^\S/.test(stream.string)) state.depth = 0;
      if (stream.eatSpace()) return null;
      if (stream.match(/#.*/)) return 'comment';
      if (stream.match(/"[^"]*"?/)) return 'string';
      if (stream.match(/\d+(\.\d+)?([eE][+-]?\d+)?/)) return 'number';
      const word = stream.match(/[A-Za-z_]\w*/);
      if (!word) {
        const sign = stream.next() ?? '';
        state.depth = Math.max(0, state.depth + Number('(['.includes(sign)) - Number(')]'.includes(sign)));
        return null;
      }
      const text = Array.isArray(word) ? word[0] : '';
      if (VALUES.has(text)) return 'bool';
      const isNamed = NAMING.has(state.last);
      state.last = text;
      if (words.has(text) && text !== 'share') return 'keyword';
      if (isNamed) return 'propertyName';
      if (kinds.has(text) && (!state.depth || stream.match(/\s*\(/, false))) return 'typeName';
      return !state.depth && stream.match(/\s*=(?!=)/, false) ? 'propertyName' : 'variableName';
    },
    languageData: { commentTokens: { line: '#' }, closeBrackets: { brackets: ['(', '[', '{', '"'] } },
  });
}

export const colours = syntaxHighlighting(HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--accent)' },
  { tag: tags.typeName, color: 'var(--accent)', fontWeight: '600' },
  { tag: [tags.string, tags.comment], color: 'var(--ink-3)' },
  { tag: [tags.number, tags.bool], color: 'var(--warn)' },
  { tag: tags.propertyName, color: 'var(--ink)' },
]));

/**
 * What a text declares: layers and inputs, values, and blocks with their arguments.
 * @param {string} text
 */
function declared(text) {
  /** @type {{layers: Declared[], values: Declared[], blocks: Map<string, string[]>}} */
  const found = { layers: [], values: [], blocks: new Map() };
  for (const line of text.split('\n')) {
    const param = /^\s*(param|let)\s+([A-Za-z_]\w*)\s*=\s*([^"]*)(?:"([^"]*)")?/.exec(line);
    const block = /^\s*block\s+([A-Za-z_]\w*)\s*\(([^)]*)/.exec(line);
    const layer = /^\s*(?:input\s+)?([A-Za-z_]\w*)\s*=\s*([A-Za-z_]\w*)/.exec(line);
    if (param?.[2]) found.values.push({ name: param[2], about: param[4] || `${param[1]}: ${param[3]?.trim()}` });
    else if (block?.[1]) found.blocks.set(block[1], [...(block[2] ?? '').matchAll(/([A-Za-z_]\w*)\s*(?:=|,|$)/g)].map((each) => each[1] ?? ''));
    else if (layer?.[1]) found.layers.push({ name: layer[1], about: layer[2] ?? '' });
  }
  return found;
}

/** The name of the call whose brackets are open at the end of a text. @param {string} before */
function openCall(before) {
  let depth = 0;
  for (let at = before.length - 1; at >= Math.max(0, before.length - BACK); at -= 1) {
    const sign = before[at];
    if (sign === ')') depth += 1;
    else if (sign === '(' && depth > 0) depth -= 1;
    else if (sign === '(') return /([A-Za-z_]\w*)\s*$/.exec(before.slice(0, at))?.[1] ?? '';
    else if (sign === '}' || sign === '{') return '';
  }
  return '';
}

/** @param {Argument} argument */
function about(argument) {
  const parts = [argument.help, argument.allowed && `Allowed: ${argument.allowed}.`, argument.default && `Default: ${argument.default}.`];
  return parts.filter(Boolean).join(' ');
}

/**
 * Completion by place: layers, arguments, choices, names above, words of statements.
 * @param {Vocabulary} known
 * @returns {import('@codemirror/autocomplete').CompletionSource}
 */
export function completion(known) {
  return (context) => {
    const line = context.state.doc.lineAt(context.pos);
    const before = context.state.sliceDoc(0, context.pos);
    const here = line.text.slice(0, context.pos - line.from);
    const word = context.matchBefore(/[A-Za-z_]\w*/);
    if ((!word && !context.explicit) || /#|"[^"]*$/.test(here.replace(/"[^"]*"/g, ''))) return null;
    const names = declared(before);
    const call = openCall(before);
    const options = call ? inCall(known, names, declared(context.state.doc.toString()), call, here) : inLine(known, names, here, context.state.doc.toString());
    return { from: word ? word.from : context.pos, options, validFor: /^\w*$/ };
  };
}

/**
 * @param {Vocabulary} known @param {ReturnType<typeof declared>} above @param {ReturnType<typeof declared>} whole
 * @param {string} call @param {string} here
 */
function inCall(known, above, whole, call, here) {
  const own = known.layers[call]?.arguments ?? [];
  const value = /([A-Za-z_]\w*)\s*=\s*\w*$/.exec(here)?.[1];
  const argument = value ? [...own, ...known.common].find((each) => each.name === value) : undefined;
  const choices = (argument ? [argument] : own).flatMap((each) => each.choices.map((label) => ({ label, type: 'enum', detail: each.name })));
  const values = whole.values.map((each) => ({ label: each.name, type: 'variable', info: each.about }));
  const functions = known.functions.map((label) => ({ label, type: 'function', apply: `${label}(` }));
  if (argument) {
    const drawn = argument.type === 'initialiser' ? known.initialisers.map((label) => ({ label, type: 'enum' })) : [];
    const truths = argument.type === 'boolean' ? ['true', 'false'].map((label) => ({ label, type: 'constant' })) : [];
    return [...truths, ...choices, ...drawn, ...values, ...functions];
  }
  const block = whole.blocks.get(call)?.map((label) => ({ label, type: 'property', apply: `${label}=` })) ?? [];
  const offered = [...own, ...(call in known.inputs ? [] : known.common)].map((each) => (
    { label: each.name, type: 'property', apply: `${each.name}=`, detail: each.required ? 'needed' : each.default, info: about(each) }));
  const layers = above.layers.map((each) => ({ label: each.name, type: 'namespace', detail: each.about, boost: -20 }));
  return [...offered, ...block, ...choices, ...values, ...functions, ...layers];
}

/** @param {Vocabulary} known @param {ReturnType<typeof declared>} above @param {string} here @param {string} text */
function inLine(known, above, here, text) {
  if (/\bfrom\s+[\w., ]*$/.test(here)) return above.layers.map((each) => ({ label: each.name, type: 'variable', detail: each.about }));
  if (/\b(when|repeat)\s+[^)]*$/.test(here)) return above.values.map((each) => ({ label: each.name, type: 'variable', info: each.about }));
  if (/^\s*input\s+\w+\s*=\s*\w*$/.test(here)) {
    return Object.entries(known.inputs).map(([label, axes]) => ({ label, type: 'class', detail: axes.join(', '), apply: `${label}(` }));
  }
  const isStart = /^\s*\w*$/.test(here);
  const isCall = isStart || /^\s*\w+\s*=\s*\w*$/.test(here);
  const kinds = Object.entries(known.layers).map(([label, kind]) => ({ label, type: 'class', info: kind.help, apply: kind.arguments.some((each) => each.required) ? `${label}(` : label }));
  const blocks = [...declared(text).blocks.keys()].map((label) => ({ label, type: 'class', detail: 'block', apply: `${label}(` }));
  const clauses = ['from', 'repeat', 'when'];
  const words = Object.entries(known.statements).filter(([label]) => isStart !== clauses.includes(label));
  const statements = words.map(([label, info]) => ({ label, type: 'keyword', info }));
  return isCall ? [...kinds, ...blocks, ...statements] : statements;
}

/** Help for the word under the pointer. @param {Vocabulary} known */
export function help(known) {
  return hoverTooltip((view, position) => {
    const line = view.state.doc.lineAt(position);
    const at = position - line.from;
    const found = [...line.text.matchAll(/[A-Za-z_]\w*/g)].find((each) => each.index <= at && at <= each.index + each[0].length);
    if (!found) return null;
    const from = line.from + found.index;
    const text = meaning(known, found[0], view.state.sliceDoc(0, from), view.state.doc.toString());
    if (!text) return null;
    return { pos: from, end: from + found[0].length, above: true, create: () => ({ dom: element('div', { class: 'cm-help' }, element('b', {}, found[0]), ` ${text}`) }) };
  });
}

/** @param {Vocabulary} known @param {string} word @param {string} before @param {string} text */
function meaning(known, word, before, text) {
  const call = openCall(before);
  const argument = call ? [...(known.layers[call]?.arguments ?? []), ...known.common].find((each) => each.name === word) : undefined;
  if (argument) return about(argument);
  const kind = known.layers[word];
  if (kind) return `${kind.help} (${kind.arguments.map((each) => each.name).join(', ')})`;
  if (known.inputs[word]) return `Input of ${known.inputs[word].join(', ')}.`;
  const value = declared(text).values.find((each) => each.name === word);
  return value?.about ?? known.statements[word] ?? '';
}
