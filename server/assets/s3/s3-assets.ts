import { DeadlineError, within } from '../../deadline.ts';
import { type S3Name, splitS3Name } from '../names.ts';
import { AssetCache, type CachedFile } from './cache.ts';
import { createObjects } from './client.ts';
import { download, type ObjectAnswer } from './download.ts';
import { failureOf, notYet, tooLarge } from './failures.ts';

export interface S3AssetsOptions {
  /** `ASSET_CACHE_DIR`; is made when the first asset comes. */
  cacheDir: string;
  /** Of all files in it together. */
  maxCacheBytes: number;
  /** Of one asset. */
  maxAssetBytes: number;
  /** How long an invite waits for its asset. */
  waitMs: number;
  /** How long a download may stand still. Default: 3,000 ms. */
  stallTimeoutMs?: number;
  /** Hears of each download that is there whole. */
  onDownloaded?: (download: { name: string; bytes: number; timeMs: number }) => void;
}

/** Assets that are objects of S3, fetched into a folder and played from there. */
export interface S3Assets {
  /** The folder. */
  readonly dir: string;
  /**
   * Fetches an asset, for an invite that will play it: one request to S3, which sends the object only if the version
   * that is there is not the present one. Calls for the same asset share a download; it ends when the signals of all
   * of them are aborted, but not when `waitMs` is over.
   *
   * @returns the name of its file in the folder, which stays there until another asset is played.
   * @throws {FailureError} that says whose fault it is and what helps; else the reason of the signal.
   */
  fetch(name: string, signal: AbortSignal): Promise<string>;
  /** Fetches an asset that an invite may ask for later. */
  fetchAhead(name: string): Promise<void>;
  /** Ends downloads and connections. */
  close(): void;
}

interface Fetching {
  done: Promise<CachedFile>;
  stop: AbortController;
  waiting: number;
  /** It goes on although nobody waits. */
  isWanted: boolean;
}

/** For a download with all its connections, also when nobody waits for it any more. */
const FETCH_TIMEOUT_MS = 10 * 60 * 1_000;

export function createS3Assets(options: S3AssetsOptions): S3Assets {
  const { cacheDir: dir, maxCacheBytes, maxAssetBytes, waitMs, stallTimeoutMs, onDownloaded = () => {} } = options;
  const cache = new AssetCache({ dir, maxBytes: maxCacheBytes });
  const objects = createObjects();
  const running = new Map<string, Fetching>();

  async function update(name: string, signal: AbortSignal): Promise<CachedFile> {
    const object = splitS3Name(name);
    const cached = await cache.find(name);
    if (cached === null) return store(name, await whole(object, signal), signal);
    const newer = await objects.get(object, { unlessEtag: cached.etag }, signal);
    return newer === null ? cached : store(name, newer, signal);
  }

  async function whole(object: S3Name, signal: AbortSignal): Promise<ObjectAnswer> {
    const answer = await objects.get(object, {}, signal);
    if (answer === null) throw new Error('S3 sent nothing, although nothing was excluded.');
    return answer;
  }

  async function store(name: string, first: ObjectAnswer, signal: AbortSignal): Promise<CachedFile> {
    const object = splitS3Name(name);
    const startedMs = performance.now();
    try {
      if (first.lengthBytes > maxAssetBytes) throw tooLarge(name, first.lengthBytes, maxAssetBytes);
      const part = await cache.begin(first.lengthBytes);
      try {
        const { etag, container, bytes } = await download(first, {
          name,
          path: part.path,
          maxBytes: maxAssetBytes,
          ...(stallTimeoutMs !== undefined && { stallTimeoutMs }),
          resume: (fromByte, version) => objects.get(object, { rest: { fromByte, etag: version } }, signal),
          restart: () => whole(object, signal),
          signal,
        });
        const file = await part.keep(name, etag, container);
        onDownloaded({ name, bytes, timeMs: Math.round(performance.now() - startedMs) });
        return file;
      } catch (error) {
        await part.drop();
        throw error;
      }
    } finally {
      first.body.destroy();
    }
  }

  function fetching(name: string): Fetching {
    const present = running.get(name);
    if (present !== undefined && !present.stop.signal.aborted) return present;
    const stop = new AbortController();
    const done = within(FETCH_TIMEOUT_MS, stop.signal, (signal) => update(name, signal));
    const started: Fetching = { done, stop, waiting: 0, isWanted: false };
    running.set(name, started);
    const forget = () => {
      if (running.get(name) === started) running.delete(name);
    };
    started.done.then(forget, forget);
    return started;
  }

  return {
    dir,
    async fetch(name, signal) {
      signal.throwIfAborted();
      const one = fetching(name);
      one.waiting += 1;
      try {
        const cached = await within(waitMs, signal, () => told(one, name));
        await cache.play(cached);
        return cached.file;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof DeadlineError)) throw error;
        one.isWanted = true;
        throw notYet(name, waitMs);
      } finally {
        one.waiting -= 1;
        if (one.waiting === 0 && !one.isWanted) one.stop.abort(new Error('Nobody waits for the asset.'));
      }
    },
    async fetchAhead(name) {
      const one = fetching(name);
      one.isWanted = true;
      await told(one, name);
    },
    close() {
      for (const { stop } of running.values()) stop.abort(new Error('The server stops.'));
      objects.close();
    },
  };
}

/** @throws {FailureError} also where it was a deadline within that ended it. */
async function told({ done }: Fetching, name: string): Promise<CachedFile> {
  try {
    return await done;
  } catch (error) {
    throw failureOf(error, name);
  }
}
