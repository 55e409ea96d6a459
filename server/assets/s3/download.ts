import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { type Container, containerOf, HEAD_BYTES } from './container.ts';
import { BrokenDownloadError, notAVideo, tooLarge } from './failures.ts';

/** An object as S3 begins to send it. */
export interface ObjectAnswer {
  body: Readable;
  etag: string;
  /** Of this answer: the whole object, or what is left of it. */
  lengthBytes: number;
}

export interface DownloadOptions {
  /** Of the asset, for the sentence of a failure. */
  name: string;
  /** Where to write; it must not exist. */
  path: string;
  maxBytes: number;
  /** So long nothing may come. Default: 3,000 ms. */
  stallTimeoutMs?: number;
  /** Asks for what follows `fromByte` of this version; `null` if there is another version by now. */
  resume(fromByte: number, etag: string): Promise<ObjectAnswer | null>;
  /** Asks for the object from its beginning. */
  restart(): Promise<ObjectAnswer>;
  signal: AbortSignal;
}

export interface Downloaded {
  etag: string;
  container: Container;
  bytes: number;
}

const STALL_TIMEOUT_MS = 3_000;
/** So many connections one download may take; with each of them silent it fails after 12 s, before its invite does. */
const MOST_CONNECTIONS = 4;

/**
 * Writes an object into a file. A connection that breaks off or falls silent is followed by another one that goes on
 * where it ended, if the object is still the same.
 *
 * One stream is enough: S3 gives a single connection 85 to 90 MB/s ("Performance design patterns for Amazon S3"), which
 * is an asset of 1,000 MB in 12 s; parts in parallel would take more connections from a CPU that encodes video.
 *
 * @throws {FailureError} `ASSET_UNPLAYABLE` as soon as its first bytes are no video's, `ASSET_TOO_LARGE`.
 * @throws {BrokenDownloadError} if it breaks off again and again; else what `resume`, `restart` or the disk throws.
 */
export async function download(first: ObjectAnswer, options: DownloadOptions): Promise<Downloaded> {
  const { name, path, maxBytes, stallTimeoutMs = STALL_TIMEOUT_MS, signal } = options;
  let answer = first;
  const endEarly = () => answer.body.destroy();
  signal.addEventListener('abort', endEarly, { once: true });
  let file: FileHandle | null = null;
  try {
    file = await open(path, 'wx', 0o600);
    const target = new Target(file, name, maxBytes);
    for (let connections = 1; ; connections += 1) {
      signal.throwIfAborted();
      target.expect(answer);
      const problem = await receive(answer.body, target, stallTimeoutMs);
      if (problem === null && target.isWhole()) {
        return { etag: answer.etag, container: target.container(), bytes: target.bytes };
      }
      signal.throwIfAborted();
      if (connections === MOST_CONNECTIONS) {
        throw new BrokenDownloadError(`It broke off ${connections} times.`, { cause: problem });
      }
      answer = await next(target, answer.etag, isBreak(problem), options);
    }
  } finally {
    answer.body.destroy();
    signal.removeEventListener('abort', endEarly);
    await file?.close();
  }
}

/** What is there may be kept only if the connection failed: a body that ended otherwise had a wrong checksum. */
async function next(
  target: Target,
  etag: string,
  mayResume: boolean,
  { resume, restart }: DownloadOptions,
): Promise<ObjectAnswer> {
  const rest = mayResume && !target.isWhole() ? await resume(target.bytes, etag) : null;
  if (rest !== null) return rest;
  await target.clear();
  return restart();
}

/** Nothing came for a while. */
class StalledError extends Error {
  override readonly name = 'StalledError';
  readonly code = 'STALLED';
}

/** Errors of a connection have a code; that of the AWS SDK about a checksum has none. */
function isBreak(problem: unknown): boolean {
  return typeof problem === 'object' && problem !== null && 'code' in problem && typeof problem.code === 'string';
}

/** @returns what ended the body before its end, or `null`. */
async function receive(body: Readable, target: Target, stallTimeoutMs: number): Promise<unknown> {
  const stalled = () => body.destroy(new StalledError(`Nothing came for ${stallTimeoutMs} ms.`));
  const timer = setTimeout(stalled, stallTimeoutMs);
  let isFault = false;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      isFault = true;
      await target.write(chunk);
      isFault = false;
      timer.refresh();
    }
    isFault = true;
    target.end();
    return null;
  } catch (error) {
    // What the target throws ends the download, and no other connection would help.
    if (isFault) throw error;
    return error;
  } finally {
    clearTimeout(timer);
  }
}

/** The file, which takes no more than it may, and nothing that does not begin like a video. */
class Target {
  readonly #file: FileHandle;
  readonly #name: string;
  readonly #maxBytes: number;
  #head: Buffer = Buffer.alloc(0);
  #container: Container | null = null;
  #wholeBytes = 0;
  bytes = 0;

  constructor(file: FileHandle, name: string, maxBytes: number) {
    this.#file = file;
    this.#name = name;
    this.#maxBytes = maxBytes;
  }

  /** Notes how long the whole is. */
  expect({ lengthBytes }: ObjectAnswer): void {
    this.#wholeBytes = this.bytes + lengthBytes;
    this.#check(this.#wholeBytes);
  }

  async write(chunk: Buffer): Promise<void> {
    this.#check(this.bytes + chunk.length);
    if (this.#container === null) {
      this.#head = Buffer.concat([this.#head, chunk]);
      if (this.#head.length >= HEAD_BYTES) this.#look();
    }
    let written = 0;
    while (written < chunk.length) {
      const { bytesWritten } = await this.#file.write(chunk, written, chunk.length - written, this.bytes + written);
      written += bytesWritten;
    }
    this.bytes += chunk.length;
  }

  end(): void {
    if (this.#container === null && this.isWhole()) this.#look();
  }

  async clear(): Promise<void> {
    await this.#file.truncate(0);
    this.bytes = 0;
    this.#head = Buffer.alloc(0);
    this.#container = null;
  }

  isWhole(): boolean {
    return this.bytes === this.#wholeBytes;
  }

  container(): Container {
    if (this.#container === null) throw new Error('The file is not there yet.');
    return this.#container;
  }

  #check(bytes: number): void {
    if (bytes > this.#maxBytes) throw tooLarge(this.#name, bytes, this.#maxBytes);
  }

  #look(): void {
    const kind = containerOf(this.#head);
    if ('found' in kind) throw notAVideo(this.#name, kind.found);
    this.#container = kind.container;
  }
}
