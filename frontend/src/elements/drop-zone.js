// <drop-zone>: a file field that also takes a drop, with progress while it travels. Its form works without scripts.
//   sends="/api/v1/uploads": on submit the file goes there first, by XMLHttpRequest, the only one that tells how far an
//   upload is; then its form is sent with the id instead of the file.
import { announce, element, need } from '../dom.js';
import { bytes, duration, wholePercent } from '../format.js';
import { HEADERS, sentence } from '../request.js';

class DropZone extends HTMLElement {
  connectedCallback() {
    this.input = /** @type {HTMLInputElement} */ (need(this, 'input[type="file"]'));
    this.zone = need(this, '.drop');
    this.zone.addEventListener('dragover', (event) => {
      event.preventDefault();
      this.zone?.classList.add('is-over');
    });
    this.zone.addEventListener('dragleave', () => this.zone?.classList.remove('is-over'));
    this.zone.addEventListener('drop', (event) => this.take(event));
    this.input.addEventListener('change', () => this.name());
    if (this.hasAttribute('sends')) {
      this.form = this.closest('form');
      this.form?.addEventListener('submit', (event) => this.submit(event));
      this.querySelector('[data-cancel]')?.addEventListener('click', () => this.request?.abort());
    }
  }

  /** @param {DragEvent} event */
  take(event) {
    event.preventDefault();
    this.zone?.classList.remove('is-over');
    const files = event.dataTransfer?.files;
    const first = event.dataTransfer?.items[0]?.webkitGetAsEntry?.();
    if (first?.isDirectory) return this.say(`${first.name} is a folder: pack it as a ZIP or TAR archive and drop that.`);
    if (!files?.length || !this.input) return undefined;
    this.input.files = files;
    this.input.dispatchEvent(new Event('change', { bubbles: true }));
    return undefined;
  }

  name() {
    const file = this.input?.files?.[0];
    if (!file) return;
    this.say(`${file.name}, ${bytes(file.size)}`);
    if (this.hasAttribute('at-once')) this.closest('form')?.requestSubmit();
  }

  /** @param {string} text */
  say(text) {
    need(this, '.drop-said').textContent = text;
    announce(text);
  }

  /** @param {SubmitEvent} event */
  submit(event) {
    const file = this.input?.files?.[0];
    const chosen = this.form?.querySelector('input[name="source"]:checked');
    const isOther = chosen instanceof HTMLInputElement && chosen.value !== 'archive';
    if (!file || !this.form || isOther || event.defaultPrevented) return;
    event.preventDefault();
    this.send(this.form, file);
  }

  /** @param {HTMLFormElement} form @param {File} file */
  send(form, file) {
    const request = new XMLHttpRequest();
    this.request = request;
    const began = performance.now();
    request.open('POST', `${this.getAttribute('sends')}?name=${encodeURIComponent(file.name)}`);
    for (const [name, value] of Object.entries(HEADERS)) request.setRequestHeader(name, value);
    request.upload.addEventListener('progress', (event) => {
      const share = event.total ? event.loaded / event.total : 0;
      const seconds = (performance.now() - began) / 1000;
      const left = share > 0.02 && seconds > 0.5 ? `, about ${duration((seconds * (1 - share)) / share)} left` : '';
      this.travel(share, `${file.name}: ${bytes(event.loaded)} of ${bytes(event.total)}, ${wholePercent(share)} %${left}`);
    });
    request.addEventListener('load', () => this.arrive(request, form));
    request.addEventListener('error', () => this.stop('The connection broke. The upload can be started again.'));
    request.addEventListener('abort', () => this.stop('The upload was cancelled. Nothing was kept.'));
    request.send(file);
    this.travel(0, `${file.name}: begins`);
  }

  /** @param {number} share @param {string} text */
  travel(share, text) {
    const bar = this.querySelector('progress');
    const box = this.querySelector('.drop-travel');
    if (box instanceof HTMLElement) box.hidden = false;
    if (bar) bar.value = share * 100;
    need(this, '.drop-said').textContent = text;
  }

  /** @param {string} text */
  stop(text) {
    const box = this.querySelector('.drop-travel');
    if (box instanceof HTMLElement) box.hidden = true;
    this.form?.removeAttribute('data-sent');
    this.say(text);
  }

  /** @param {XMLHttpRequest} request @param {HTMLFormElement} form */
  arrive(request, form) {
    /** @type {{id?: string, detail?: string}} */
    let answer = {};
    try {
      answer = JSON.parse(request.responseText);
    } catch {
      // a proxy in between may answer in any form
    }
    if (request.status !== 201 || !answer.id) return this.stop(sentence(answer, request.status));
    form.querySelector('input[name="upload"]')?.remove();
    form.append(element('input', { type: 'hidden', name: 'upload', value: answer.id }));
    if (this.input) this.input.value = '';
    form.submit();
    return undefined;
  }
}

customElements.define('drop-zone', DropZone);
