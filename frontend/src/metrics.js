// The metric rows of the runs on this page: fetched once for all charts, then grown by the event stream.
import { json } from './request.js';
import { subscribe } from './stream.js';

/** @typedef {[number, number]} Point A step and a value. */
/** @typedef {Record<string, Point[]>} Series */
/** @typedef {(series: Series, perEpoch: number) => void} Listener */

/** @type {Map<string, History>} */
const histories = new Map();

/** The rows of one run. */
class History {
  /** @param {string} address @param {string} run */
  constructor(address, run) {
    this.address = address;
    this.run = run;
    /** @type {Series} */
    this.series = {};
    /** @type {Set<Listener>} */
    this.listeners = new Set();
    this.isDue = false;
    /** Steps of an epoch, once a row has told; 0 before. */
    this.perEpoch = 0;
    subscribe('run.metrics', (message) => this.append(message));
    subscribe('reset', () => this.load());
    this.load();
  }

  async load() {
    try {
      this.series = (await json(this.address)).series;
    } catch {
      setTimeout(() => this.load(), 4000); // the rail says that the server is silent
      return;
    }
    this.tell();
  }

  /** @param {import('./stream.js').Message} message */
  append(message) {
    if (message.name !== this.run) return;
    for (const row of /** @type {Record<string, number>[]} */ (message.rows ?? [])) {
      const { step = 0, epoch = 0, ...values } = row;
      if (epoch > 0) this.perEpoch = step / epoch;
      for (const [name, value] of Object.entries(values)) {
        const points = (this.series[name] ??= []);
        const last = points.at(-1);
        if (!last || step > last[0]) points.push([step, value]);
      }
    }
    this.tell();
  }

  /** Listeners hear of many rows in one frame once. */
  tell() {
    if (this.isDue) return;
    this.isDue = true;
    requestAnimationFrame(() => {
      this.isDue = false;
    /** Steps of an epoch, once a row has told; 0 before. */
    this.perEpoch = 0;
      for (const listener of this.listeners) listener(this.series, this.perEpoch);
    });
  }
}

/**
 * Calls `listener` with all series now and whenever they grow; returns the function that ends it.
 * @param {string} address
 * @param {string} run
 * @param {Listener} listener
 * @returns {() => void}
 */
export function follow(address, run, listener) {
  let history = histories.get(address);
  if (!history) {
    history = new History(address, run);
    histories.set(address, history);
  } else if (Object.keys(history.series).length) {
    listener(history.series, history.perEpoch);
  }
  const known = history;
  known.listeners.add(listener);
  return () => known.listeners.delete(listener);
}
