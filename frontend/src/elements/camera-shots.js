// <camera-shots>: pictures taken with this device's camera, into classes: a key or a held button for each. They stay in
// the page until its form is sent; then they travel as class folders, like any other upload.
import { announce, element, need } from '../dom.js';
import { count } from '../format.js';
import { sendFiles } from '../uploads.js';

const BETWEEN_MS = 150;
/** @type {Record<string, string>} */
const WHY_NOT = {
  NotAllowedError: 'The browser may not give the camera to this page: allow it beside the address, then try again.',
  NotFoundError: 'No camera is found on this device.',
  NotReadableError: 'The camera does not answer: another program may be using it.',
};

/** @typedef {{name: string, box: HTMLElement, shots: Map<HTMLElement, Blob>}} Pile */

class CameraShots extends HTMLElement {
  connectedCallback() {
    this.hidden = false;
    /** @type {Pile[]} */
    this.piles = [];
    this.lastAt = 0;
    this.taken = 0;
    this.video = /** @type {HTMLVideoElement} */ (need(this, 'video'));
    this.name = /** @type {HTMLInputElement} */ (need(this, 'input[data-class]'));
    this.form = this.closest('form');
    need(this, '[data-start]').addEventListener('click', () => (this.stream ? this.stop() : this.start()));
    need(this, '[data-add]').addEventListener('click', () => this.add());
    this.name.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      this.add();
    });
    this.press = (/** @type {KeyboardEvent} */ event) => this.key(event);
    document.addEventListener('keydown', this.press);
    this.form?.addEventListener('submit', (event) => this.submit(event), { capture: true });
    this.form?.addEventListener('change', () => this.isChosen() || this.stop());
  }

  disconnectedCallback() {
    if (this.press) document.removeEventListener('keydown', this.press);
    this.stop();
  }

  isChosen() {
    const chosen = this.form?.querySelector('input[name="source"]:checked');
    return chosen instanceof HTMLInputElement && chosen.value === 'camera';
  }

  /** @param {string} text */
  say(text) {
    need(this, '.camera-said').textContent = text;
    announce(text);
  }

  async start() {
    const choice = this.form?.querySelector('input[name="source"][value="camera"]');
    if (choice instanceof HTMLInputElement) choice.checked = true;
    if (!navigator.mediaDevices) {
      this.say('Browsers give no camera to a page that comes over plain http from another machine: open Tenfold as localhost.');
      return;
    }
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1280 } } });
    } catch (error) {
      this.say((error instanceof DOMException && WHY_NOT[error.name]) || 'The camera cannot be turned on.');
      return;
    }
    if (!this.video) return;
    this.video.srcObject = this.stream;
    this.video.hidden = false;
    await this.video.play();
    need(this, '[data-start]').textContent = 'Turn the camera off';
    this.say(this.piles?.length ? 'Press a class’s key, or hold its button.' : 'Name a class, then take its pictures.');
  }

  stop() {
    this.stream?.getTracks().forEach((track) => track.stop());
    this.stream = undefined;
    if (!this.video) return;
    this.video.srcObject = null;
    this.video.hidden = true;
    need(this, '[data-start]').textContent = 'Turn the camera on';
  }

  add() {
    const typed = this.name?.value.trim() ?? '';
    const name = typed.replace(/[/\\]/g, '-');
    const piles = this.piles;
    if (!this.name || !piles || !name) return;
    const twin = piles.find((pile) => pile.name.toLowerCase() === name.toLowerCase());
    if (twin) return void this.say(`${twin.name} is there already.`);
    if (name !== typed) this.say(`A class cannot have / or \\ in its name: it is called ${name}.`);
    this.name.value = '';
    const key = piles.length < 9 ? String(piles.length + 1) : '';
    const button = element('button', { class: 'btn small', type: 'button', 'aria-label': `Take a picture of ${name}` }, 'Take ', ...(key ? [element('kbd', {}, key)] : []));
    const box = element('section', { class: 'pile' }, element('div', { class: 'row' }, element('b', {}, name), element('span', { class: 'note pile-count' }, '0 pictures'), button), element('div', { class: 'shots' }));
    const pile = { name, box, shots: new Map() };
    piles.push(pile);
    need(this, '.piles').append(box);
    let timer = 0;
    button.addEventListener('click', (event) => event.detail === 0 && this.shoot(pile));
    button.addEventListener('pointerdown', () => {
      this.shoot(pile);
      timer = setInterval(() => this.shoot(pile), BETWEEN_MS);
    });
    for (const end of ['pointerup', 'pointerleave', 'pointercancel']) button.addEventListener(end, () => clearInterval(timer));
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const isTyping = event.target instanceof Element && event.target.matches('input, select, textarea');
    const pile = this.piles?.[Number(event.key) - 1];
    if (!this.stream || !pile || isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    this.shoot(pile);
  }

  /** @param {Pile} pile */
  shoot(pile) {
    const video = this.video;
    const now = performance.now();
    if (!this.stream || !video?.videoWidth) return void this.say('Turn the camera on first.');
    if (now - (this.lastAt ?? 0) < BETWEEN_MS - 20) return;
    this.lastAt = now;
    const canvas = element('canvas', { width: String(video.videoWidth), height: String(video.videoHeight) });
    canvas.getContext('2d')?.drawImage(video, 0, 0);
    canvas.toBlob((blob) => blob && this.keep(pile, blob), 'image/jpeg', 0.92);
  }

  /** @param {Pile} pile @param {Blob} blob */
  keep(pile, blob) {
    const url = URL.createObjectURL(blob);
    const shot = element('button', { class: 'shot', type: 'button', 'aria-label': `Remove this picture of ${pile.name}` }, element('img', { src: url, alt: '', width: '64', height: '48' }));
    const tell = () => (need(pile.box, '.pile-count').textContent = `${count(pile.shots.size)} ${pile.shots.size === 1 ? 'picture' : 'pictures'}`);
    shot.addEventListener('click', () => {
      URL.revokeObjectURL(url);
      pile.shots.delete(shot);
      shot.remove();
      tell();
    });
    pile.shots.set(shot, blob);
    need(pile.box, '.shots').prepend(shot);
    tell();
  }

  /** Sends the pictures first, then the form with the upload's id. @param {SubmitEvent} event */
  async submit(event) {
    const field = this.form?.querySelector('input[name="upload"]');
    const isLook = event.submitter instanceof HTMLButtonElement && event.submitter.formNoValidate;
    if (!this.form || !(field instanceof HTMLInputElement) || !this.isChosen() || this.isSent || isLook) return;
    const piles = (this.piles ?? []).filter((pile) => pile.shots.size);
    if (!piles.length && field.value) return; // they were sent before, with a form that was refused
    event.preventDefault();
    event.stopImmediatePropagation();
    if (piles.length < 2) return void this.say('Take pictures of at least two classes: a network learns what tells them apart.');
    if (this.sending) return;
    this.sending = new AbortController();
    const files = piles.flatMap(({ name, shots }) =>
      [...shots.values()].map((blob, number) => ({ path: `camera/${name}/${String(number + 1).padStart(4, '0')}.jpg`, file: new File([blob], 'shot.jpg', { lastModified: Date.now() }) })));
    try {
      const upload = await sendFiles(files, { signal: this.sending.signal, tell: (upload, trouble) => this.say(trouble || `${count(files.length)} pictures: ${Math.round((100 * upload.offset) / upload.size_bytes)} % sent`) });
      field.value = upload.id;
      this.isSent = true;
      this.form.requestSubmit();
    } catch (error) {
      this.say(error instanceof Error ? error.message : 'The pictures could not be sent.');
    }
    this.sending = undefined;
  }
}

customElements.define('camera-shots', CameraShots);
