// Ticks on round values, four to six of them.

/**
 * Round values between two ends on a plain scale.
 * @param {number} low
 * @param {number} high
 * @param {number} [wanted]
 * @returns {number[]}
 */
export function linearTicks(low, high, wanted = 5) {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / wanted;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough * 0.999) ?? rough;
  const ticks = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1) ticks.push(index * step);
  return ticks;
}

/**
 * Round values between two ends on a log scale: decades, with 2 and 5 between them while there is room.
 * @param {number} low
 * @param {number} high
 * @returns {number[]}
 */
export function logTicks(low, high) {
  const all = (/** @type {number[]} */ factors) => {
    const ticks = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power += 1) {
      for (const factor of factors) {
        const tick = Number(`${factor}e${power}`);
        if (tick >= low * 0.999 && tick <= high * 1.001) ticks.push(tick);
      }
    }
    return ticks;
  };
  for (const factors of [[1, 2, 5], [1, 5], [1]]) {
    const ticks = all(factors);
    if (ticks.length <= 7) return ticks;
  }
  const decades = all([1]);
  const every = Math.ceil(decades.length / 6);
  return decades.filter((_, index) => index % every === 0);
}

/**
 * The ends of a scale that holds values: round ones, and on a log scale the nearest 1, 2 or 5.
 * @param {number} low
 * @param {number} high
 * @param {boolean} isLog
 * @returns {[number, number]}
 */
export function roundRange(low, high, isLog) {
  if (isLog) return [roundLog(low, false), roundLog(high, true)];
  if (low === high) return low === 0 ? [0, 1] : [low - Math.abs(low) * 0.1, high + Math.abs(high) * 0.1];
  const ticks = linearTicks(low, high, 5);
  const step = (ticks[1] ?? high) - (ticks[0] ?? low) || high - low;
  return [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step];
}

/** @param {number} value @param {boolean} isUp */
function roundLog(value, isUp) {
  const power = 10 ** Math.floor(Math.log10(value));
  const steps = [1, 2, 5, 10].map((factor) => factor * power);
  const fits = isUp ? steps.find((step) => step >= value * 0.999) : steps.findLast((step) => step <= value * 1.001);
  return fits ?? value;
}

/**
 * The mean over a sliding window, as a line that follows a noisy one.
 * @param {number[]} values
 * @param {number} span
 * @returns {number[]}
 */
export function smoothed(values, span) {
  let sum = 0;
  return values.map((value, index) => {
    sum += value - (index >= span ? (values[index - span] ?? 0) : 0);
    return sum / Math.min(index + 1, span);
  });
}
