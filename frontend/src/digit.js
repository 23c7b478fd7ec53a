// A drawing made into a picture as MNIST's were: fitted into 20 x 20, grey by area, its centre of mass at the centre of
// 28 x 28, white on black (LeCun, Cortes, Burges, "The MNIST database of handwritten digits").

const BOX = 20;
const SIDE = 28;

/**
 * The 784 grey values of a drawing, or `null` when nothing is drawn.
 * @param {Uint8ClampedArray | number[]} ink Strength of the ink of each pixel, 0 to 255, row by row.
 * @param {number} width
 * @param {number} height
 * @returns {Uint8ClampedArray | null}
 */
export function asDigit(ink, width, height) {
  const box = bounds(ink, width, height);
  if (!box) return null;
  const scale = Math.max(box.width, box.height) / BOX;
  const columns = Math.max(1, Math.round(box.width / scale));
  const rows = Math.max(1, Math.round(box.height / scale));
  const small = new Float64Array(columns * rows);
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      small[row * columns + column] = meanOver(ink, width, {
        left: box.left + (column * box.width) / columns,
        right: box.left + ((column + 1) * box.width) / columns,
        top: box.top + (row * box.height) / rows,
        bottom: box.top + ((row + 1) * box.height) / rows,
      });
    }
  }
  return centred(small, columns, rows);
}

/** @param {Uint8ClampedArray | number[]} ink @param {number} width @param {number} height */
function bounds(ink, width, height) {
  let [left, right, top, bottom] = [width, -1, height, -1];
  for (let at = 0; at < width * height; at += 1) {
    if ((ink[at] ?? 0) < 16) continue;
    const [x, y] = [at % width, Math.floor(at / width)];
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return right < 0 ? null : { left, top, width: right - left + 1, height: bottom - top + 1 };
}

/**
 * The mean ink over a rectangle whose edges may cut pixels.
 * @param {Uint8ClampedArray | number[]} ink
 * @param {number} width
 * @param {{left: number, right: number, top: number, bottom: number}} part
 */
function meanOver(ink, width, { left, right, top, bottom }) {
  let sum = 0;
  for (let y = Math.floor(top); y < bottom; y += 1) {
    const tall = Math.min(bottom, y + 1) - Math.max(top, y);
    for (let x = Math.floor(left); x < right; x += 1) {
      sum += (ink[y * width + x] ?? 0) * tall * (Math.min(right, x + 1) - Math.max(left, x));
    }
  }
  return sum / ((right - left) * (bottom - top));
}

/** @param {Float64Array} small @param {number} columns @param {number} rows */
function centred(small, columns, rows) {
  let [mass, sumX, sumY] = [0, 0, 0];
  small.forEach((value, at) => {
    mass += value;
    sumX += value * (at % columns);
    sumY += value * Math.floor(at / columns);
  });
  const place = (/** @type {number} */ sum, /** @type {number} */ size) =>
    Math.max(0, Math.min(SIDE - size, Math.round((SIDE - 1) / 2 - sum / mass)));
  const [left, top] = [place(sumX, columns), place(sumY, rows)];
  const picture = new Uint8ClampedArray(SIDE * SIDE);
  small.forEach((value, at) => {
    picture[(top + Math.floor(at / columns)) * SIDE + left + (at % columns)] = value;
  });
  return picture;
}
