// <tile-view data-tiles="columns,width,height,every,shown">: tiles of values that grow by +, − and a double click, in a box that
// scrolls; the tile under the pointer is told by its number and place.
const LARGEST = 16;

class TileView extends HTMLElement {
  zoom = 1;
  width = 0;
  height = 0;

  connectedCallback() {
    const box = this.firstElementChild;
    const image = this.querySelector('img');
    if (!(box instanceof HTMLElement) || !image) return;
    this.box = box;
    this.image = image;
    box.addEventListener('keydown', (event) => this.press(event));
    image.addEventListener('dblclick', (event) => this.grow(event.shiftKey ? 0.5 : 2, event.offsetX, event.offsetY));
    image.addEventListener('pointermove', (event) => this.tell(event));
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    const factor = { '+': 2, '=': 2, '-': 0.5, '0': 1 / this.zoom }[event.key];
    if (!factor || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.grow(factor, this.image?.width ?? 0, this.image?.height ?? 0);
  }

  /** Grows around a point of the image, in pixels of the page. @param {number} factor @param {number} x @param {number} y */
  grow(factor, x, y) {
    const zoom = Math.min(LARGEST, Math.max(1, this.zoom * factor));
    if (!this.image || !this.box) return;
    if (this.zoom === 1) [this.width, this.height] = [this.image.width, this.image.height]; // as the page's width lets it be
    const ratio = zoom / this.zoom;
    this.zoom = zoom;
    this.image.width = this.width * zoom;
    this.image.height = this.height * zoom;
    this.image.style.maxWidth = zoom > 1 ? 'none' : '';
    this.box.scrollLeft += x * (ratio - 1);
    this.box.scrollTop += y * (ratio - 1);
  }

  /** @param {PointerEvent} event */
  tell(event) {
    const [columns = 1, width = 1, height = 1, every = 1, shown = 1] = (this.dataset.tiles ?? '').split(',').map(Number);
    const image = this.image;
    if (!image || !image.naturalWidth) return;
    const x = Math.floor((event.offsetX / image.clientWidth) * image.naturalWidth);
    const y = Math.floor((event.offsetY / image.clientHeight) * image.naturalHeight);
    const [column, row] = [Math.floor(x / (width + 1)), Math.floor(y / (height + 1))];
    const tile = row * columns + column;
    if (tile >= shown) return;
    const place = `row ${(y - row * (height + 1)) * every + 1}, column ${(x - column * (width + 1)) * every + 1}`;
    image.title = shown > 1 ? `${tile + 1} of ${shown}: ${place}` : place;
  }
}
customElements.define('tile-view', TileView);
