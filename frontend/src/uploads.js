// Files on their way to the server: announced as one stream of bytes and sent in parts. What is broken off, by the
// network, a restart or a reload, goes on where it was: the server knows unfinished uploads by their files.
import { HEADERS, json, RequestFailed } from './request.js';

const ADDRESS = '/api/v1/uploads';
const PIECE = 4 * 2 ** 20;
const PART_S = 1; // how long a part should travel, so that progress is seen and little is lost
const PAUSES_S = [1, 2, 4, 8, 15];

/** @typedef {{path: string, file: File}} Sent */
/** @typedef {{id: string, state: string, name: string, num_files: number, size_bytes: number, offset: number, refused: {number: number, path: string, message: string}[]}} Upload */

/**
 * Sends files until all have arrived. `tell` hears how far it is, and a sentence while nobody answers.
 * @param {Sent[]} files
 * @param {{signal: AbortSignal, tell: (upload: Upload, trouble: string) => void}} options
 * @returns {Promise<Upload>}
 */
export async function sendFiles(files, { signal, tell }) {
  const announced = files.map(({ path, file }) => ({ path, size_bytes: file.size, modified: String(file.lastModified) }));
  const kind = { 'Content-Type': 'application/json' };
  /** @type {Upload} */
  let upload = await json(ADDRESS, { method: 'POST', headers: kind, body: JSON.stringify({ files: announced }), signal });
  const refused = new Set(upload.refused.map((each) => each.number));
  const stream = new Stream(files.filter((_, number) => !refused.has(number)).map(({ file }) => file));
  let part = 2 ** 20;
  let failures = 0;
  while (upload.state !== 'ready') {
    tell(upload, '');
    const began = performance.now();
    try {
      upload = await stream.send(upload, part, signal);
      failures = 0;
      const seconds = (performance.now() - began) / 1000;
      part = Math.round(Math.min(16 * 2 ** 20, Math.max(2 ** 18, (part * Math.min(2, PART_S / seconds)))));
    } catch (error) {
      if (!(error instanceof RequestFailed) || !(error.status === 0 || error.status === 409 || error.status >= 502)) throw error;
      if (error.status !== 409) tell(upload, error.message);
      await pause(PAUSES_S[Math.min(failures++, PAUSES_S.length - 1)] ?? 1, signal);
      upload = await json(`${ADDRESS}/${upload.id}`, { signal }).catch(() => upload);
    }
  }
  tell(upload, '');
  return upload;
}

/** Gives an upload up. @param {string} id */
export function forget(id) {
  fetch(`${ADDRESS}/${id}`, { method: 'DELETE', headers: HEADERS, keepalive: true }).catch(() => {});
}

/** The contents of files, one after the other. */
class Stream {
  /** @param {File[]} files */
  constructor(files) {
    this.files = files;
    let end = 0;
    this.ends = files.map((file) => (end += file.size));
    /** @type {Uint8Array[]} */
    this.pieces = [];
  }

  /** @param {Upload} upload @param {number} part @param {AbortSignal} signal @returns {Promise<Upload>} */
  async send(upload, part, signal) {
    const end = Math.min(upload.size_bytes, upload.offset + part);
    /** @type {Record<string, string>} */
    const headers = { 'Upload-Offset': String(upload.offset), 'Content-Type': 'application/octet-stream' };
    if (end === upload.size_bytes) headers['Upload-Digest'] = await this.digest(end);
    return json(`${ADDRESS}/${upload.id}`, { method: 'PATCH', headers, body: this.slice(upload.offset, end), signal });
  }

  /** The bytes between two places, not read yet. @param {number} start @param {number} end */
  slice(start, end) {
    const parts = [];
    for (let number = this.ends.findIndex((last) => last > start), at = start; at < end; number += 1) {
      const file = /** @type {File} */ (this.files[number]);
      const first = (this.ends[number] ?? 0) - file.size;
      parts.push(file.slice(at - first, Math.min(file.size, end - first)));
      at = first + file.size;
    }
    return new Blob(parts);
  }

  /** SHA-256 of the SHA-256 of every piece; empty where the page is not trusted with it. @param {number} end */
  async digest(end) {
    if (!crypto.subtle) return '';
    while (this.pieces.length * PIECE < end) {
      const start = this.pieces.length * PIECE;
      const content = await this.slice(start, Math.min(end, start + PIECE)).arrayBuffer();
      this.pieces.push(new Uint8Array(await crypto.subtle.digest('SHA-256', content)));
    }
    const whole = new Uint8Array(await crypto.subtle.digest('SHA-256', await new Blob(/** @type {BlobPart[]} */ (this.pieces)).arrayBuffer()));
    return [...whole].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }
}

/** All files that were dropped, those in folders too. @param {DataTransfer} dropped @returns {Promise<Sent[]>} */
export async function droppedFiles(dropped) {
  const entries = [...dropped.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  if (!entries.some((entry) => entry?.isDirectory)) return chosenFiles(dropped.files);
  /** @type {Sent[]} */
  const found = [];
  for (const entry of entries) if (entry) await walk(entry, found);
  return found;
}

/** The files of a field, with their paths where a folder was chosen. @param {FileList | null} files @returns {Sent[]} */
export const chosenFiles = (files) => [...(files ?? [])].map((file) => ({ path: file.webkitRelativePath || file.name, file }));

/** @param {FileSystemEntry} entry @param {Sent[]} found */
async function walk(entry, found) {
  const path = entry.fullPath.replace(/^\//, '');
  if (entry.isFile) {
    found.push({ path, file: await new Promise((take, fail) => /** @type {FileSystemFileEntry} */ (entry).file(take, fail)) });
    return;
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((take, fail) => reader.readEntries(take, fail));
    if (!some.length) return;
    for (const each of some) await walk(each, found);
  }
}

/** @param {number} seconds @param {AbortSignal} signal */
function pause(seconds, signal) {
  return new Promise((take, fail) => {
    const timer = setTimeout(take, seconds * 1000);
    signal.addEventListener('abort', () => (clearTimeout(timer), fail(signal.reason)), { once: true });
  });
}
