// <live-chart run src series per-epoch epochs scale unit>: lines over epochs that grow while a run trains.
//
// The template gives figure, title, legend and an empty `.plot-area`; `series` is JSON: key of the metric, label, hue 1-6,
// smooth (rows in the mean), points. All charts of a page share data and cursor; arrow keys move it by one point.
import uPlot from 'uplot';
import { linearTicks, logTicks, roundRange, smoothed } from '../axis.js';
import { need } from '../dom.js';
import { significant } from '../format.js';
import { follow } from '../metrics.js';

/** @typedef {{key: string, label: string, hue: number, smooth?: number, points?: boolean}} Line */

const MOST_POINTS = 40;
const AXIS_WIDTH = 54; // for `0.00124`, the longest value of a tick
const FONT = '11.5px ui-sans-serif, system-ui, sans-serif';

class LiveChart extends HTMLElement {
  connectedCallback() {
    /** @type {Line[]} */
    this.lines = JSON.parse(this.getAttribute('series') ?? '[]');
    this.area = need(this, '.plot-area');
    this.isPercent = this.getAttribute('unit') === '%';
    /** @type {uPlot | null} */
    this.plot = null;
    /** @type {import('../metrics.js').Series} */
    this.series = {};
    this.isLog = false;
    this.resizes = new ResizeObserver(() => this.fit());
    this.resizes.observe(need(this, '.plot-area'));
    this.redraw = () => this.plot?.redraw(false, true);
    document.addEventListener('themechange', this.redraw);
    this.area.addEventListener('keydown', (event) => this.step(event));
    this.unfollow = follow(this.getAttribute('src') ?? '', this.getAttribute('run') ?? '', (series, perEpoch) => {
      this.perEpoch = perEpoch || Number(this.getAttribute('per-epoch')) || 1;
      this.show(series);
    });
  }

  disconnectedCallback() {
    this.unfollow?.();
    this.resizes?.disconnect();
    if (this.redraw) document.removeEventListener('themechange', this.redraw);
    this.plot?.destroy();
    this.plot = null;
  }

  /** @param {import('../metrics.js').Series} series */
  show(series) {
    this.series = series;
    const data = this.table();
    const values = data.slice(1).flatMap((column) => column.filter((value) => value !== null && value !== undefined));
    need(this, '.chart-empty').hidden = values.length > 0;
    if (!values.length) return;
    const isLog = this.getAttribute('scale') === 'log' && spansDecade(values);
    if (this.plot && isLog === this.isLog) this.plot.setData(/** @type {uPlot.AlignedData} */ (data));
    else this.draw(data, isLog);
    this.describe(values);
  }

  /** Columns for the plot: epochs, then per line its mean (where it has one) and its raw values. */
  table() {
    const perEpoch = this.perEpoch ?? 1;
    const factor = this.isPercent ? 100 : 1;
    const tables = this.drawn().map(({ line, isMean }) => {
      const points = this.series?.[line.key] ?? [];
      const raw = points.map(([, value]) => value * factor);
      const values = isMean ? smoothed(raw, line.smooth ?? 1) : raw;
      return /** @type {uPlot.AlignedData} */ ([points.map(([step]) => step / perEpoch), values]);
    });
    return /** @type {(number | null | undefined)[][]} */ (uPlot.join(tables));
  }

  /** What is drawn, from back to front: raw values before means. */
  drawn() {
    /** @type {Line[]} */
    const lines = this.lines ?? [];
    const raw = lines.filter((line) => line.smooth).map((line) => ({ line, isMean: false, isFaint: true }));
    return [...raw, ...lines.map((line) => ({ line, isMean: Boolean(line.smooth), isFaint: false }))];
  }

  /** @param {(number | null | undefined)[][]} data @param {boolean} isLog */
  draw(data, isLog) {
    this.plot?.destroy();
    this.isLog = isLog;
    const epochs = Number(this.getAttribute('epochs')) || 0;
    const box = this.area;
    if (!box) return;
    /** @type {uPlot.Options} */
    const options = {
      width: box.clientWidth || 300,
      height: box.clientHeight || 200,
      legend: { show: false },
      padding: [6, 8, 0, 0],
      cursor: { sync: { key: this.getAttribute('run') ?? '', scales: ['x', null] }, drag: { x: false, y: false }, points: { size: 7 }, y: false },
      scales: {
        x: { time: false, range: (_plot, low, high) => [0, Math.max(epochs, high ?? 0, low ?? 0) || 1] },
        y: { distr: isLog ? 3 : 1, range: (plot) => this.range(plot.data, isLog) },
      },
      axes: [this.axis('x'), this.axis('y')],
      series: [{}, ...this.drawn().map((drawn) => this.styled(drawn))],
      hooks: { draw: [(plot) => this.markLast(plot)], setCursor: [(plot) => this.tell(plot)] },
    };
    this.plot = new uPlot(options, /** @type {uPlot.AlignedData} */ (data), box);
  }

  /**
   * The ends of the upright axis. An accuracy's first half epoch may fall below it: what matters comes after.
   * @param {uPlot.AlignedData} data
   * @param {boolean} isLog
   * @returns {[number, number]}
   */
  range(data, isLog) {
    const epochs = data[0];
    const from = this.isPercent && Number(epochs.at(-1)) > 1 ? 0.5 : 0;
    let [low, high] = [Infinity, -Infinity];
    for (const column of data.slice(1)) {
      column.forEach((value, index) => {
        if (value === null || value === undefined || Number(epochs[index]) < from) return;
        low = Math.min(low, value);
        high = Math.max(high, value);
      });
    }
    return low > high ? [isLog ? 0.1 : 0, 1] : roundRange(low, high, isLog);
  }

  /** @param {'x' | 'y'} scale @returns {uPlot.Axis} */
  axis(scale) {
    const isX = scale === 'x';
    return {
      scale,
      size: isX ? 24 : AXIS_WIDTH,
      gap: 4,
      font: FONT,
      stroke: () => colour('--ink-3'),
      grid: { show: !isX, stroke: () => colour('--line'), width: 1 },
      ticks: { show: false },
      border: { show: isX, stroke: () => colour('--control'), width: 1 },
      splits: (plot, _axis, low, high) => {
        if (!isX) return this.isLog ? logTicks(low, high) : linearTicks(low, high, plot.height < 140 ? 2 : 4);
        return linearTicks(low, high, plot.width < 420 ? 3 : 6).filter((tick) => high < 3 || Number.isInteger(tick));
      },
      values: (_plot, ticks) => ticks.map((tick) => (tick === null ? '' : trimmed(tick))),
    };
  }

  /** @param {{line: Line, isFaint: boolean}} drawn @returns {uPlot.Series} */
  styled({ line, isFaint }) {
    const stroke = () => colour(line.hue ? `--run-${line.hue}` : '--accent');
    const hasDots = !isFaint && line.points === true;
    return {
      label: line.label,
      stroke: isFaint ? () => `${stroke()}80` : stroke,
      width: isFaint ? 1 : 1.75,
      spanGaps: false,
      points: { show: hasDots ? (_plot, _index, first, last) => last - first < MOST_POINTS * 12 && this.isSparse(line) : false, size: 5, fill: stroke },
    };
  }

  /** @param {Line} line */
  isSparse(line) {
    return (this.series?.[line.key]?.length ?? 0) <= MOST_POINTS;
  }

  /** An open dot on the last value of each line. @param {uPlot} plot */
  markLast(plot) {
    const ratio = devicePixelRatio || 1;
    this.drawn().forEach(({ line, isFaint }, index) => {
      const column = plot.data[index + 1];
      if (isFaint || !column) return;
      const last = /** @type {(number | null | undefined)[]} */ (column).findLastIndex((value) => value !== null && value !== undefined);
      if (last < 0) return;
      const x = plot.valToPos(Number(plot.data[0][last]), 'x', true);
      const y = plot.valToPos(Number(column[last]), 'y', true);
      plot.ctx.save();
      plot.ctx.beginPath();
      plot.ctx.arc(x, y, 3.5 * ratio, 0, 2 * Math.PI);
      plot.ctx.fillStyle = colour('--paper');
      plot.ctx.fill();
      plot.ctx.lineWidth = 1.75 * ratio;
      plot.ctx.strokeStyle = colour(line.hue ? `--run-${line.hue}` : '--accent');
      plot.ctx.stroke();
      plot.ctx.restore();
    });
  }

  /** The values under the cursor, as text. @param {uPlot} plot */
  tell(plot) {
    const index = plot.cursor.idx;
    const place = need(this, '.chart-values');
    if (index === null || index === undefined) {
      place.textContent = '';
      return;
    }
    const epoch = Number(plot.data[0][index]);
    const shown = this.drawn().flatMap(({ line, isFaint }, at) => {
      const value = nearest(plot.data[at + 1], index);
      return isFaint || value === null ? [] : [`${line.label} ${this.read(value)}`];
    });
    place.textContent = `epoch ${trimmed(Number(epoch.toFixed(2)))}: ${shown.join(' · ')}`;
  }

  /** @param {number} value */
  read(value) {
    return this.isPercent ? `${value.toFixed(2)} %` : significant(value);
  }

  /** @param {KeyboardEvent} event */
  step(event) {
    const plot = this.plot;
    if (!plot || (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight')) return;
    event.preventDefault();
    const last = plot.data[0].length - 1;
    const now = plot.cursor.idx ?? last;
    const next = Math.max(0, Math.min(last, now + (event.key === 'ArrowRight' ? 1 : -1)));
    // The third argument tells the other charts; the library's types do not name it.
    const setCursor = /** @type {(at: uPlot.Cursor, fire: boolean, tell: boolean) => void} */ (plot.setCursor);
    setCursor({ left: plot.valToPos(Number(plot.data[0][next]), 'x'), top: 10 }, true, true);
  }

  /** The finding as text, for who cannot see the lines. @param {(number | null | undefined)[]} values */
  describe(values) {
    const sentences = (this.lines ?? []).flatMap((line) => {
      const points = this.series?.[line.key] ?? [];
      const first = points[0];
      const last = points.at(-1);
      const factor = this.isPercent ? 100 : 1;
      return first && last ? [`${line.label} from ${this.read(first[1] * factor)} to ${this.read(last[1] * factor)}`] : [];
    });
    this.area?.setAttribute('aria-label', `${this.getAttribute('label')} by epoch: ${sentences.join(', ')}.`);
    const low = this.plot?.scales.y?.min;
    const note = this.querySelector('.chart-from');
    if (note && this.isPercent) note.textContent = low && low > 0 && values.length ? `, from ${trimmed(low)}` : '';
  }

  fit() {
    if (this.plot && this.area?.clientWidth) this.plot.setSize({ width: this.area.clientWidth, height: this.area.clientHeight });
  }
}

/** @param {(number | null | undefined)[]} values */
function spansDecade(values) {
  const real = values.map(Number);
  const low = Math.min(...real);
  return low > 0 && Math.max(...real) / low >= 10;
}

/** The value at an index, or the last one before it. @param {uPlot.TypedArray | (number | null | undefined)[] | undefined} column @param {number} index */
function nearest(column, index) {
  for (let at = index; column && at >= 0; at -= 1) {
    const value = column[at];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}

/** @param {number} value */
const trimmed = (value) => (value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential(0) : String(Number(value.toPrecision(6))));

/** @param {string} token */
const colour = (token) => getComputedStyle(document.documentElement).getPropertyValue(token).trim();

customElements.define('live-chart', LiveChart);
