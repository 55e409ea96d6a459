import { realpath, stat } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { join, relative, sep } from 'node:path';
import { failure } from '../../machines/failures.ts';
import { FailureError } from '../../machines/participant.ts';
import type { Asset } from '../../machines/protocol.ts';
import { serveFile } from '../files.ts';
import { sendText } from '../http.ts';
import { assetNameProblem, assetUrl, PATTERN_NAME } from './names.ts';

export interface AssetsOptions {
  /** The folder of assets. Files below it count, and links that stay inside. */
  dir: string;
  /** What an invite without an asset plays. */
  defaultAsset: string;
}

/** What a virtual participant can play: the files of a folder, and the test picture. */
export interface Assets {
  /**
   * The asset as the page needs it; `null`: the default one. `loop` is true.
   *
   * @throws {FailureError} `ASSET_NOT_FOUND` if the name is not valid or there is no such file.
   */
  resolve(name: string | null, signal: AbortSignal): Promise<Asset>;
  /** Answers a GET or HEAD of `/assets/<name>`, by range requests; `encodedName` is what follows `/assets/`. */
  serve(encodedName: string, request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** A file of the folder, after all links. */
interface Found {
  root: string;
  path: string;
}

export function createAssets({ dir, defaultAsset }: AssetsOptions): Assets {
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
      if (name !== PATTERN_NAME && (await find(name)) === null) {
        const which = given === null ? 'the default asset' : 'an asset';
        throw notFound(`There is no ${JSON.stringify(name)} in the folder of assets; it was to be ${which}.`);
      }
      signal.throwIfAborted();
      return { name, url: assetUrl(name), loop: true };
    },

    async serve(encodedName, request, response) {
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
