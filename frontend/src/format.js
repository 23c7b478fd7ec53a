// Numbers as people read them, by section 6 of the design; the server's twin is interfaces/web/formatting.py.

const GROUPED = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** @param {number} value A whole number with a mark at each thousand: `12,660`. */
export const count = (value) => GROUPED.format(Math.round(value));

/** @param {number} value Three significant digits: `0.0272`, `13.1`. */
export function significant(value) {
  if (!Number.isFinite(value)) return '';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e6) return value.toExponential(2).replace('e+', 'e').replace('-', '−');
  const text = size >= 1000 ? count(value) : value.toPrecision(3);
  return text.replace('-', '−');
}

/** @param {number} share A share of 1 as a percentage with two digits: `99.12`. */
export const percent = (share) => (share * 100).toFixed(2);

/** @param {number} share A share of 1 as whole per cent, never 100 before the end: `42`. */
export const wholePercent = (share) => String(Math.min(share < 1 ? 99 : 100, Math.round(share * 100)));

/** @param {number} seconds Two parts at most: `4.1 s`, `1 min 12 s`, `3 h 20 min`. */
export function duration(seconds) {
  if (!Number.isFinite(seconds) || seconds < 0) return '';
  if (seconds < 0.0009995) return `${Math.round(seconds * 1e6)} µs`;
  if (seconds < 0.9995) return `${Number((seconds * 1000).toPrecision(3))} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 600) return two(Math.floor(whole / 60), 'min', whole % 60, 's');
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return two(hours, 'h', minutes % 60, 'min');
  return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${Math.floor(hours / 24)} d`;
}

/** @param {number} first @param {string} unit @param {number} second @param {string} small */
const two = (first, unit, second, small) =>
  second ? `${first} ${unit} ${String(second).padStart(2, '0')} ${small}` : `${first} ${unit}`;

/** @param {number} bytes SI: `1.7 MB`, `540 GB`. */
export function bytes(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  let value = bytes;
  let index = 0;
  while (value >= 999.5 && index < units.length - 1) {
    value /= 1000;
    index += 1;
  }
  return `${index > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[index]}`;
}

/** @param {string} name The format that a page names in `data-as`. @returns {(value: number) => string} */
export function named(name) {
  return { count, significant, percent, duration, bytes }[name] ?? String;
}
