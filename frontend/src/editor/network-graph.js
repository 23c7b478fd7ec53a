// <network-graph>: zoom, dragging and keys over the graph that the server draws; it scrolls in itself.

const LEAST = 0.2;
const MOST = 3;
const STEP = 1.25;
const STILL_PX = 4;

class NetworkGraph extends HTMLElement {
  scale = 1;

  connectedCallback() {
    this.addEventListener('wheel', (event) => this.wheel(event), { passive: false });
    this.addEventListener('keydown', (event) => this.press(event));
    this.addEventListener('pointerdown', (event) => this.drag(event));
    this.refresh();
  }

  get drawing() {
    return this.querySelector('svg');
  }

  /** @returns {SVGAElement[]} */
  get layers() {
    return [...this.querySelectorAll('a.layer')].filter((each) => each instanceof SVGAElement);
  }

  /** After the server's part is put in: the scale of before, and one stop for the tab key. */
  refresh() {
    this.zoom(1);
    const { layers } = this;
    const current = layers.find((each) => each.getAttribute('aria-current')) ?? layers[0];
    for (const each of layers) {
      const stop = each === current ? '0' : '-1';
      if (each.getAttribute('tabindex') !== stop) each.setAttribute('tabindex', stop);
    }
  }

  /** @param {number} factor 0 shows the whole graph. */
  zoom(factor) {
    const { drawing } = this;
    if (!drawing) return;
    const [width, height] = [Number(drawing.dataset.width), Number(drawing.dataset.height)];
    const fits = () => Math.min((this.clientWidth - 32) / width, (this.clientHeight - 32) / height);
    this.scale = Math.min(MOST, Math.max(LEAST, factor ? this.scale * factor : fits()));
    drawing.setAttribute('width', String(Math.round(width * this.scale)));
    drawing.setAttribute('height', String(Math.round(height * this.scale)));
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    if (!event.ctrlKey) return;
    event.preventDefault();
    this.zoom(event.deltaY < 0 ? STEP : 1 / STEP);
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (event.button !== 0 || event.pointerType === 'touch') return;
    const [x, y, left, top] = [event.clientX, event.clientY, this.scrollLeft, this.scrollTop];
    const move = (/** @type {PointerEvent} */ moved) => {
      if (Math.hypot(moved.clientX - x, moved.clientY - y) < STILL_PX) return;
      this.classList.add('is-dragged');
      this.scrollTo(left + x - moved.clientX, top + y - moved.clientY);
    };
    const end = () => {
      document.removeEventListener('pointermove', move);
      setTimeout(() => this.classList.remove('is-dragged'));
    };
    document.addEventListener('pointermove', move);
    document.addEventListener('pointerup', end, { once: true });
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const zooms = { '+': STEP, '=': STEP, '-': 1 / STEP, 0: 0 };
    const now = event.target instanceof Element ? event.target.closest('a.layer') : null;
    if (event.key in zooms) this.zoom(zooms[/** @type {keyof zooms} */ (event.key)]);
    else if (now instanceof SVGAElement && event.key.startsWith('Arrow')) this.walk(now, event.key);
    else return;
    event.preventDefault();
  }

  /** @param {SVGAElement} now @param {string} key */
  walk(now, key) {
    const leads = key === 'ArrowDown' ? now.dataset.below : now.dataset.above;
    const next = key === 'ArrowLeft' || key === 'ArrowRight' ? this.beside(now, key === 'ArrowRight') : this.layer(leads);
    if (!next) return;
    now.setAttribute('tabindex', '-1');
    next.setAttribute('tabindex', '0');
    next.focus();
  }

  /** @param {string | undefined} path */
  layer(path) {
    return this.layers.find((each) => each.dataset.path === path);
  }

  /** The nearest layer of the same rank to one side. @param {SVGAElement} now @param {boolean} isRight */
  beside(now, isRight) {
    const place = now.getBBox();
    const side = this.layers.filter((each) => {
      const { x, y } = each.getBBox();
      return Math.abs(y - place.y) < 30 && (isRight ? x > place.x + 20 : x < place.x - 20);
    });
    const far = (/** @type {SVGAElement} */ each) => Math.abs(each.getBBox().x - place.x);
    return side.sort((one, other) => far(one) - far(other))[0];
  }
}

customElements.define('network-graph', NetworkGraph);
