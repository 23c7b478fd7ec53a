// <machine-rail>: the gauges at the foot of every page, with their age.
import { liveness, subscribe } from '../stream.js';

const STALE_S = 5;

/** @typedef {{key: string, percent: number | null, text: string}} Gauge */

class MachineRail extends HTMLElement {
  connectedCallback() {
    this.bornAt = Date.now();
    this.unsubscribe = subscribe('machine', (message) => this.show(/** @type {Gauge[]} */ (message.gauges ?? [])));
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
        if (meter && gauge.percent !== null) meter.value = gauge.percent;
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

customElements.define('machine-rail', MachineRail);
