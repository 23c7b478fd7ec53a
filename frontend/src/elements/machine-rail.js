// <machine-rail>: the gauges at the foot of every page, with their age.
import { bytes } from '../format.js';
import { liveness, subscribe } from '../stream.js';

const STALE_S = 5;

/** @typedef {{index: number, busy: number, memory_used_bytes: number, memory_total_bytes: number}} Gpu */
/** @typedef {{cpu_busy: number, memory_used_bytes: number, memory_total_bytes: number, disk_free_bytes: number, disk_total_bytes: number, gpus: Gpu[]}} Facts */
/** @typedef {{key: string, percent: number, text: string}} Gauge */

class MachineRail extends HTMLElement {
  connectedCallback() {
    this.bornAt = Date.now();
    this.unsubscribe = subscribe('machine', (message) => this.show(gaugesOf(/** @type {Facts} */ (/** @type {unknown} */ (message)))));
    this.clock = setInterval(() => this.age(), 1000);
  }

  disconnectedCallback() {
    this.unsubscribe?.();
    clearInterval(this.clock);
  }

  /** @param {Gauge[]} gauges */
  show(gauges) {
    for (const gauge of gauges) {
      for (const place of document.querySelectorAll(`[data-gauge="${CSS.escape(gauge.key)}"]`)) {
        const meter = place.querySelector('meter');
        if (meter) meter.value = gauge.percent;
        const text = place.querySelector('[data-gauge-text]');
        if (text) text.textContent = gauge.text;
      }
    }
    this.age();
  }

  age() {
    const place = this.querySelector('.rail-age');
    if (!place) return;
    const { heardAt, retryAt } = liveness();
    const now = Date.now();
    const silent_s = (now - (heardAt || this.bornAt || now)) / 1000;
    const isStale = retryAt > 0 || silent_s > STALE_S;
    this.classList.toggle('is-stale', isStale);
    if (retryAt > 0) place.textContent = `paused, trying again in ${Math.max(0, Math.ceil((retryAt - now) / 1000))} s`;
    else place.textContent = isStale ? `no news for ${Math.round(silent_s)} s` : `live · ${Math.max(0, silent_s).toFixed(0)} s ago`;
  }
}

/**
 * The gauges of one look at the machine; the server's twin is presenters/frame.py.
 * @param {Facts} facts
 * @returns {Gauge[]}
 */
function gaugesOf(facts) {
  const of = (/** @type {number} */ part, /** @type {number} */ whole) => `${bytes(part)} of ${bytes(whole)}`;
  const whole = (/** @type {number} */ share) => `${Math.round(share * 100)} %`;
  return [
    ...facts.gpus.map((gpu) => ({
      key: `gpu-${gpu.index}`,
      percent: gpu.busy * 100,
      text: `${whole(gpu.busy)} · ${of(gpu.memory_used_bytes, gpu.memory_total_bytes)}`,
    })),
    { key: 'cpu', percent: facts.cpu_busy * 100, text: whole(facts.cpu_busy) },
    {
      key: 'memory',
      percent: (facts.memory_used_bytes / facts.memory_total_bytes) * 100,
      text: of(facts.memory_used_bytes, facts.memory_total_bytes),
    },
    {
      key: 'disk',
      percent: (1 - facts.disk_free_bytes / facts.disk_total_bytes) * 100,
      text: `${bytes(facts.disk_free_bytes)} free of ${bytes(facts.disk_total_bytes)}`,
    },
  ];
}

customElements.define('machine-rail', MachineRail);
