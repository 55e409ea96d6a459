import { realpath, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, relative, sep } from 'node:path';
import { failure } from '../../machines/failures.ts';
import { FailureError } from '../../machines/participant.ts';
import type { Asset } from '../../machines/protocol.ts';
import { serveFile } from '../files.ts';
import { sendText } from '../http.ts';
import { assetNameProblem, assetUrl, isS3Name, PATTERN_NAME } from './names.ts';
import { isCachedFile } from './s3/cache.ts';
import type { S3Assets } from './s3/s3-assets.ts';

export interface AssetsOptions {
  /** The folder of assets. Files below it count, and links that stay inside. */
  dir: string;
  /** What an invite without an asset plays. */
  defaultAsset: string;
  /** Fetches those that are objects of S3. */
  s3: S3Assets;
}

/** What a virtual participant can play: the files of a folder, objects of S3, and the test picture. */
export interface Assets {
  /**
   * The asset as the page needs it; `null`: the default one. `loop` is true.
   *
   * @throws {FailureError} `ASSET_NOT_FOUND` if the name is not valid or there is no such file, and what
   *   `S3Assets.fetch` throws.
   */
  resolve(name: string | null, signal: AbortSignal): Promise<Asset>;
  /** Fetches the default asset if it is an object of S3, so that the first invite need not wait for it. */
  fetchAhead(): Promise<void>;
  /** Answers a GET or HEAD of `/assets/<name>`, by range requests; `encodedName` is what follows `/assets/`. */
  serve(encodedName: string, request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** Among the addresses of assets, where objects of S3 are. No file of the folder is: its parts begin with no dot. */
const S3_PREFIX = '.s3/';

/** A file of the folder, after all links. */
interface Found {
  root: string;
  path: string;
}

export function createAssets({ dir, defaultAsset, s3 }: AssetsOptions): Assets {
  /** `null` if there is no such file inside the folder. */
  async function find(name: string): Promise<Found | null> {
    try {
      const root = await realpath(dir);
      const path = await realpath(join(root, name));
      if (!path.startsWith(root + sep) || !(await stat(path)).isFile()) return null;
      return { root, path: relative(root, path) };
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  return {
    async resolve(given, signal) {
      signal.throwIfAborted();
      const name = given ?? defaultAsset;
      const problem = assetNameProblem(name);
      if (problem !== null) throw notFound(`${JSON.stringify(name)} cannot be an asset; expected ${problem}.`);
      if (isS3Name(name)) return { name, url: `/assets/${S3_PREFIX}${await s3.fetch(name, signal)}`, loop: true };
      if (name !== PATTERN_NAME && (await find(name)) === null) {
        const which = given === null ? 'the default asset' : 'an asset';
        throw notFound(`There is no ${JSON.stringify(name)} in the folder of assets; it was to be ${which}.`);
      }
      signal.throwIfAborted();
      return { name, url: assetUrl(name), loop: true };
    },

    async fetchAhead() {
      if (isS3Name(defaultAsset)) await s3.fetchAhead(defaultAsset);
    },

    async serve(encodedName, request, response) {
      const file = encodedName.startsWith(S3_PREFIX) ? encodedName.slice(S3_PREFIX.length) : null;
      if (file !== null && isCachedFile(file)) return serveFile({ root: s3.dir, path: file }, request, response);
      const name = decode(encodedName);
      const found = name === null || assetNameProblem(name) !== null ? null : await find(name);
      if (found === null) sendText(response, 404, 'There is no such asset.');
      else serveFile(found, request, response);
    },
  };
}

function notFound(message: string): FailureError {
  return new FailureError(failure('ASSET_NOT_FOUND', message));
}

function isMissing(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG' || code === 'ELOOP';
}

function decode(encoded: string): string | null {
  try {
    return decodeURIComponent(encoded);
  } catch {
    return null;
  }
}
