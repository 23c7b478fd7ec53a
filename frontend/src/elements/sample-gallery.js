// <sample-gallery>: pictures with a box each, to be chosen by mouse, keys or touch and changed by the form around them.
//   click             opens a picture, or chooses it once another is chosen; Ctrl or Shift click always chooses
//   arrows            go through the pictures, with Shift they choose on the way; Space chooses, Esc lets all go
//   A  X  1 to 9      all on the page, exclude, give the first nine classes (switched off in Settings with the rest)
//   Del               deletes; it is no letter and works always
// Without scripts the boxes and the form do it all.
import { announce, need } from '../dom.js';
import { count } from '../format.js';

class SampleGallery extends HTMLElement {
  connectedCallback() {
    this.anchor = -1;
    this.boxes = [...this.querySelectorAll('input[name="index"]')].filter((box) => box instanceof HTMLInputElement);
    this.links = [...this.querySelectorAll('a.pic')].filter((link) => link instanceof HTMLAnchorElement);
    this.boxes.forEach((box) => { box.tabIndex = -1; });
    this.links.forEach((link, place) => { link.tabIndex = place ? -1 : 0; });
    this.addEventListener('click', (event) => this.press(event), true);
    this.keys = new AbortController();
    document.addEventListener('keydown', (event) => this.type(event), { capture: true, signal: this.keys.signal });
    this.addEventListener('focusin', () => this.rove());
    this.addEventListener('change', () => this.tell());
    this.tell();
  }

  disconnectedCallback() {
    this.keys?.abort();
  }

  get isChoosing() {
    return this.boxes?.some((box) => box.checked) ?? false;
  }

  /** @param {MouseEvent} event */
  press(event) {
    const target = event.target instanceof Element ? event.target : null;
    const box = target?.closest('input[name="index"]');
    const link = target?.closest('a.pic');
    if (box instanceof HTMLInputElement) {
      this.pick(this.boxes?.indexOf(box) ?? -1, event.shiftKey, box.checked);
      return;
    }
    if (!(link instanceof HTMLAnchorElement) || !(this.isChoosing || event.ctrlKey || event.metaKey || event.shiftKey)) return;
    event.preventDefault();
    event.stopPropagation();
    const place = this.links?.indexOf(link) ?? -1;
    this.pick(place, event.shiftKey, !this.boxes?.[place]?.checked);
  }

  /**
   * Chooses a picture, or lets it go; with `isRange` all from the last one on.
   * @param {number} place
   * @param {boolean} isRange
   * @param {boolean} isOn
   */
  pick(place, isRange, isOn) {
    const from = isRange && this.anchor !== undefined && this.anchor >= 0 ? this.anchor : place;
    this.boxes?.forEach((box, at) => {
      if (at >= Math.min(from, place) && at <= Math.max(from, place)) box.checked = isRange || isOn;
    });
    this.anchor = place;
    this.tell();
  }

  /** @param {KeyboardEvent} event */
  type(event) {
    if (this.querySelector('dialog[open]') || event.altKey) return;
    const place = this.links?.findIndex((link) => link === document.activeElement) ?? -1;
    if (place >= 0 && this.step(event, place)) {
      event.stopPropagation();
      return;
    }
    const field = 'input:not([name="index"]), select, textarea, dialog, .edit-bar';
    if (event.target instanceof Element && event.target.closest(field)) return;
    const isLetter = !event.ctrlKey && !event.metaKey && document.body.dataset.letters !== 'off';
    if (event.key === 'Escape' && this.isChoosing) this.all(false);
    else if (event.key === 'Delete' && this.isChoosing && !event.ctrlKey && !event.metaKey) this.send('delete');
    else if (!isLetter || !this.act(event.key.toLowerCase())) return;
    event.preventDefault();
  }

  /**
   * A key that moves among the pictures or chooses the one that has the focus; whether it was one.
   * @param {KeyboardEvent} event
   * @param {number} place
   */
  step(event, place) {
    if (event.key === ' ') {
      this.pick(place, event.shiftKey, !this.boxes?.[place]?.checked);
      event.preventDefault();
      return true;
    }
    const row = this.columns();
    /** @type {Record<string, number>} */
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -row, ArrowDown: row };
    const by = steps[event.key];
    const next = by === undefined ? undefined : this.links?.[place + by];
    if (by === undefined || event.ctrlKey || event.metaKey) return false;
    event.preventDefault();
    if (!next) return true;
    if (event.shiftKey && this.anchor !== place) this.pick(place, false, true);
    next.focus();
    if (event.shiftKey) this.pick(place + by, true, true);
    return true;
  }

  /** What a letter or digit does; whether it does anything. @param {string} key */
  act(key) {
    if (key === 'a') this.all(!this.boxes?.every((box) => box.checked));
    else if (key === 'x' && this.isChoosing) this.send('exclude');
    else if (/^[1-9]$/.test(key) && this.isChoosing) return this.give(Number(key) - 1);
    else return false;
    return true;
  }

  /** @param {number} place of a class in the list of known ones */
  give(place) {
    const known = this.querySelectorAll('datalist option')[place];
    const field = this.querySelector('input[name="to_class"]');
    if (!(known instanceof HTMLOptionElement) || !(field instanceof HTMLInputElement)) return false;
    field.value = known.value;
    this.send('relabel');
    return true;
  }

  /** @param {string} action */
  send(action) {
    need(this, `button[value="${action}"]`).click();
  }

  /** @param {boolean} isOn */
  all(isOn) {
    this.boxes?.forEach((box) => { box.checked = isOn; });
    this.anchor = -1;
    this.tell();
  }

  /** How many pictures stand beside each other. */
  columns() {
    const top = this.links?.[0]?.getBoundingClientRect().top;
    const below = this.links?.findIndex((link) => Math.abs(link.getBoundingClientRect().top - (top ?? 0)) > 1) ?? -1;
    return below < 0 ? this.links?.length ?? 1 : below;
  }

  /** Leaves one picture where Tab stops: the last that had the focus. */
  rove() {
    const now = this.links?.find((link) => link === document.activeElement);
    if (now) this.links?.forEach((link) => { link.tabIndex = link === now ? 0 : -1; });
  }

  tell() {
    const all = this.querySelector('input[name="all"]');
    const isAll = all instanceof HTMLInputElement && all.checked;
    const chosen = this.boxes?.filter((box) => box.checked).length ?? 0;
    const words = isAll ? all.dataset.says ?? '' : chosen ? `${count(chosen)} chosen` : 'None chosen';
    const said = need(this, '.chosen-count');
    if (said.textContent === words) return;
    said.textContent = words;
    announce(words);
  }
}

customElements.define('sample-gallery', SampleGallery);
