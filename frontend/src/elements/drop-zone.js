// <drop-zone>: a file field that also takes a drop. Its form works without scripts.
//   sends: files, folders and archives travel as soon as they are chosen, and the form is sent with the upload's id
//   instead; at-once: the form is sent as soon as all has arrived.
import { announce, element, need } from '../dom.js';
import { bytes, count, duration, wholePercent } from '../format.js';
import { chosenFiles, droppedFiles, forget, sendFiles } from '../uploads.js';

/** @typedef {import('../uploads.js').Upload} Upload */
/** @typedef {import('../uploads.js').Sent} Sent */

class DropZone extends HTMLElement {
  /** @type {Sent[]} */ sent = [];
  connectedCallback() {
    this.inputs = /** @type {HTMLInputElement[]} */ ([...this.querySelectorAll('input[type="file"]')]);
    this.zone = need(this, '.drop');
    this.zone.addEventListener('dragover', (event) => (event.preventDefault(), this.zone?.classList.add('is-over')));
    this.zone.addEventListener('dragleave', () => this.zone?.classList.remove('is-over'));
    this.zone.addEventListener('drop', (event) => this.take(event));
    for (const input of this.inputs) input.addEventListener('change', () => this.choose(input));
    if (this.hasAttribute('sends')) {
      this.form = this.closest('form');
      this.form?.addEventListener('submit', (event) => this.submit(event), { capture: true });
      this.querySelector('[data-cancel]')?.addEventListener('click', () => this.cancel());
    }
  }

  /** @param {DragEvent} event */
  async take(event) {
    event.preventDefault();
    this.zone?.classList.remove('is-over');
    const dropped = event.dataTransfer;
    const first = this.inputs?.[0];
    if (!dropped || !first) return;
    if (this.hasAttribute('sends')) {
      this.send(await droppedFiles(dropped));
    } else if (dropped.files.length) {
      first.files = dropped.files;
      first.dispatchEvent(new Event('change', { bubbles: true }));
    }
  }

  /** @param {HTMLInputElement} input */
  choose(input) {
    const files = chosenFiles(input.files);
    if (!files[0]) return;
    if (this.hasAttribute('sends')) this.send(files);
    else this.say(`${files[0].file.name}, ${bytes(files[0].file.size)}`);
  }

  /** @param {string} text */
  say(text) {
    need(this, '.drop-said').textContent = text;
    announce(text);
  }

  /** Without the id of what is still travelling a form would come too early. @param {SubmitEvent} event */
  submit(event) {
    const chosen = this.form?.querySelector('input[name="source"]:checked');
    if (!this.sending || (chosen instanceof HTMLInputElement && chosen.value !== 'archive')) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.isAwaited = true;
    announce('The form is sent as soon as all has arrived.');
  }

  cancel() {
    this.sending?.abort();
    if (this.upload) forget(this.upload.id);
    this.sent = [];
    this.arrive('');
    this.stop('The upload was cancelled. Nothing was kept.');
  }

  /** Sends files, and with them those that were sent before by other paths. @param {Sent[]} chosen */
  async send(chosen) {
    if (!chosen.length) return;
    this.sending?.abort();
    const files = (this.sent = [...this.sent.filter((old) => chosen.every((each) => each.path !== old.path)), ...chosen]);
    if (this.upload && files.length > chosen.length) forget(this.upload.id);
    const sending = new AbortController();
    this.sending = sending;
    this.isAwaited = this.hasAttribute('at-once');
    const began = { at: performance.now(), offset: -1 };
    this.travel(0, `${count(files.length)} ${files.length === 1 ? 'file' : 'files'}: begins`);
    try {
      const upload = await sendFiles(files, { signal: sending.signal, tell: (upload, trouble) => this.tell(upload, trouble, began) });
      this.sending = undefined;
      for (const input of this.inputs ?? []) input.value = '';
      const left = upload.refused.map((each) => `${each.path} is left out: ${each.message}`);
      this.stop([`${upload.name}, ${bytes(upload.size_bytes)}, has arrived.`, ...left.slice(0, 5)].join(' '));
      this.arrive(upload.id);
      if (this.isAwaited) this.form?.requestSubmit();
    } catch (error) {
      if (sending.signal.aborted) return;
      this.sending = undefined;
      this.stop(error instanceof Error ? error.message : 'The upload failed.');
    }
  }

  /** @param {Upload} upload @param {string} trouble @param {{at: number, offset: number}} began */
  tell(upload, trouble, began) {
    this.upload = upload;
    if (began.offset < 0) began.offset = upload.offset;
    const share = upload.size_bytes ? upload.offset / upload.size_bytes : 1;
    const seconds = (performance.now() - began.at) / 1000;
    const came = upload.offset - began.offset;
    const left = came && seconds > 0.5 ? `, about ${duration((seconds * (upload.size_bytes - upload.offset)) / came)} left` : '';
    const far = `${upload.name}: ${bytes(upload.offset)} of ${bytes(upload.size_bytes)}, ${wholePercent(share)} %`;
    this.travel(share, trouble ? `${far}. ${trouble} It goes on by itself.` : `${far}${left}`);
  }

  /** @param {number} share @param {string} text */
  travel(share, text) {
    const bar = this.querySelector('progress');
    need(this, '.drop-travel').hidden = false;
    if (bar) bar.value = share * 100;
    need(this, '.drop-said').textContent = text;
  }

  /** @param {string} text */
  stop(text) {
    need(this, '.drop-travel').hidden = true;
    this.form?.removeAttribute('data-sent');
    this.say(text);
  }

  /** Puts the upload's id into the form, and whoever shows what it holds hears of it. @param {string} id */
  arrive(id) {
    const known = this.form?.querySelector('input[name="upload"]');
    const field = known instanceof HTMLInputElement ? known : element('input', { type: 'hidden', name: 'upload' });
    if (!known) this.form?.append(field);
    field.value = id;
    const chosen = this.form?.querySelector('input[name="source"][value="archive"]');
    if (chosen instanceof HTMLInputElement && id) chosen.checked = true;
    field.dispatchEvent(new Event('change', { bubbles: true }));
  }
}

customElements.define('drop-zone', DropZone);
