// <digit-pad>: a digit drawn with mouse, pen or finger; or by keys: arrows move the pen, Space puts it down and up.
// Fires `picture` with a PNG of 28 x 28 after each stroke, and `cleared`.
import { announce, need } from '../dom.js';
import { asDigit } from '../digit.js';

const SIDE = 280;
const PEN = 22;
const STEP = 14;
const SETTLE_MS = 250;

class DigitPad extends HTMLElement {
  connectedCallback() {
    this.canvas = /** @type {HTMLCanvasElement} */ (need(this, 'canvas'));
    this.canvas.width = SIDE;
    this.canvas.height = SIDE;
    /** @type {[number, number][][]} */
    this.strokes = [];
    this.isDown = false;
    /** @type {[number, number]} */
    this.pen = [SIDE / 2, SIDE / 4];
    this.hasPen = false;
    this.canvas.addEventListener('pointerdown', (event) => this.down(event));
    this.canvas.addEventListener('pointermove', (event) => this.move(event));
    for (const end of ['pointerup', 'pointercancel']) this.canvas.addEventListener(end, () => this.up());
    this.canvas.addEventListener('keydown', (event) => this.key(event));
    this.canvas.addEventListener('blur', () => this.showPen(false));
    need(this, '[data-clear]').addEventListener('click', () => this.clear());
    need(this, '[data-undo]').addEventListener('click', () => this.undo());
    this.hidden = false;
    this.paint();
  }

  /** @param {PointerEvent} event @returns {[number, number]} */
  place(event) {
    const box = /** @type {HTMLCanvasElement} */ (this.canvas).getBoundingClientRect();
    return [((event.clientX - box.left) / box.width) * SIDE, ((event.clientY - box.top) / box.height) * SIDE];
  }

  /** @param {PointerEvent} event */
  down(event) {
    event.preventDefault();
    clearTimeout(this.settling);
    this.canvas?.setPointerCapture(event.pointerId);
    this.canvas?.focus({ preventScroll: true });
    this.hasPen = false;
    this.isDown = true;
    this.strokes?.push([this.place(event)]);
    this.paint();
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (!this.isDown || this.hasPen) return;
    const seen = event.getCoalescedEvents?.() ?? [];
    for (const part of seen.length ? seen : [event]) this.strokes?.at(-1)?.push(this.place(part));
    this.paint();
  }

  up() {
    if (!this.isDown || this.hasPen) return;
    this.isDown = false;
    this.send();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    /** @type {Record<string, [number, number]>} */
    const steps = { ArrowUp: [0, -STEP], ArrowDown: [0, STEP], ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0] };
    const step = steps[event.key];
    if (step) this.steer(step);
    else if (event.key === ' ') this.toggle();
    else if (event.key === 'Backspace') this.undo();
    else if (event.key === 'Delete') this.clear();
    else return;
    event.preventDefault();
  }

  /** @param {[number, number]} step */
  steer([across, along]) {
    const inside = (/** @type {number} */ value) => Math.max(PEN / 2, Math.min(SIDE - PEN / 2, value));
    const [x, y] = this.pen ?? [0, 0];
    this.pen = [inside(x + across), inside(y + along)];
    this.showPen(true);
    if (!this.isDown) return;
    this.strokes?.at(-1)?.push(this.pen);
    this.paint();
    this.send();
  }

  toggle() {
    this.isDown = !this.isDown;
    if (this.isDown) this.strokes?.push([this.pen ?? [0, 0]]);
    announce(this.isDown ? 'Pen down' : 'Pen up');
    this.showPen(true);
    if (!this.isDown) this.send();
  }

  /** @param {boolean} isShown */
  showPen(isShown) {
    if (!isShown) this.isDown = false;
    this.hasPen = isShown;
    this.paint();
  }

  undo() {
    this.strokes?.pop();
    this.isDown = false;
    this.paint();
    this.send();
  }

  clear() {
    clearTimeout(this.settling);
    this.strokes = [];
    this.isDown = false;
    this.paint();
    this.fire();
  }

  paint() {
    const context = this.canvas?.getContext('2d', { willReadFrequently: true });
    if (!context) return;
    context.fillStyle = '#000';
    context.fillRect(0, 0, SIDE, SIDE);
    this.ink(context);
    need(this, '.pad-hint').hidden = (this.strokes?.length ?? 0) > 0;
    if (!this.hasPen) return;
    context.strokeStyle = this.isDown ? '#66c3dc' : '#95a0a6';
    context.lineWidth = 2;
    context.beginPath();
    context.arc(.../** @type {[number, number]} */ (this.pen), PEN / 2, 0, 2 * Math.PI);
    context.stroke();
  }

  /** @param {CanvasRenderingContext2D} context */
  ink(context) {
    Object.assign(context, { strokeStyle: '#fff', lineWidth: PEN, lineCap: 'round', lineJoin: 'round' });
    for (const stroke of this.strokes ?? []) {
      const [first, ...rest] = stroke;
      if (!first) continue;
      context.beginPath();
      context.moveTo(...first);
      if (!rest.length) context.lineTo(first[0] + 0.1, first[1]);
      for (const point of rest) context.lineTo(...point);
      context.stroke();
    }
  }

  /** Waits until the hand rests, then fires the picture. */
  send() {
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.fire(), SETTLE_MS);
  }

  fire() {
    const drawn = document.createElement('canvas');
    drawn.width = drawn.height = SIDE;
    const context = drawn.getContext('2d');
    if (!context) return;
    this.ink(context);
    const pixels = context.getImageData(0, 0, SIDE, SIDE).data;
    const grey = asDigit(pixels.filter((_, at) => at % 4 === 3), SIDE, SIDE);
    if (!grey) {
      this.dispatchEvent(new CustomEvent('cleared', { bubbles: true }));
      return;
    }
    const small = document.createElement('canvas');
    small.width = small.height = 28;
    const image = new ImageData(28, 28);
    grey.forEach((value, at) => image.data.set([value, value, value, 255], at * 4));
    small.getContext('2d')?.putImageData(image, 0, 0);
    small.toBlob((blob) => {
      if (blob) this.dispatchEvent(new CustomEvent('picture', { bubbles: true, detail: { blob, name: 'drawn-digit.png' } }));
    }, 'image/png');
  }
}

customElements.define('digit-pad', DigitPad);
