import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, rename, rm, stat, statfs, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { Container } from './container.ts';
import { NoRoomError } from './failures.ts';

export interface AssetCacheOptions {
  /** Is made when the first asset comes. */
  dir: string;
  /** Of all files together. */
  maxBytes: number;
}

/** A whole object, kept as a file. */
export interface CachedFile {
  /** Its name in the folder. */
  file: string;
  /** The version of the object, as S3 names it. */
  etag: string;
}

interface KeptFile extends CachedFile {
  sizeBytes: number;
  usedMs: number;
}

/** `<hash of the asset's name>.<ETag>.<container>`: the name says all, so there is no index that could be wrong. */
const FILE = /^([0-9a-f]{40})\.([\w-]+)\.(mp4|webm|ogv)$/;
const PART = /^[0-9a-f-]{36}\.part$/;
/** A download is given up long before it has written nothing for this long: such a part was left by a crash. */
const DEAD_PART_MS = 60_000;

/** Whether it can be the name of a cached file; no such name leads out of the folder. */
export function isCachedFile(name: string): boolean {
  return FILE.test(name);
}

/** A folder of objects that were fetched from S3; the access time of a file is when it was last used. */
export class AssetCache {
  readonly #dir: string;
  readonly #maxBytes: number;
  /** Room that was promised to downloads, which have not written all of it. */
  #promisedBytes = 0;
  readonly #ownParts = new Set<string>();
  #playing: string | null = null;

  constructor({ dir, maxBytes }: AssetCacheOptions) {
    this.#dir = dir;
    this.#maxBytes = maxBytes;
  }

  /** The version of an asset that is there, or `null`. */
  async find(name: string): Promise<CachedFile | null> {
    const prefix = `${hashOf(name)}.`;
    const found = (await this.#list()).filter(({ file }) => file.startsWith(prefix));
    return found.at(-1) ?? null;
  }

  /** Notes that a file is used now, and that it alone is played: it stays until another is. */
  async play({ file }: CachedFile): Promise<void> {
    this.#playing = file;
    const path = join(this.#dir, file);
    // The time of its content stays, and with it what a browser keeps of it.
    await utimes(path, new Date(), (await stat(path)).mtime);
  }

  /**
   * Makes room for a download, by removing what was not used for longest and is not played.
   *
   * @returns where to write it; `keep` or `drop` it in the end.
   * @throws {NoRoomError} if there is none all the same.
   */
  async begin(sizeBytes: number): Promise<Part> {
    this.#promisedBytes += sizeBytes;
    try {
      await this.#makeRoom();
    } catch (error) {
      this.#promisedBytes -= sizeBytes;
      throw error;
    }
    const part = `${randomUUID()}.part`;
    this.#ownParts.add(part);
    const path = join(this.#dir, part);
    const end = () => {
      this.#promisedBytes -= sizeBytes;
      this.#ownParts.delete(part);
    };
    return {
      path,
      keep: async (name, etag, container) => {
        const file = `${hashOf(name)}.${Buffer.from(etag).toString('base64url')}.${container}`;
        // In the same folder, so that it is there whole or not at all.
        await rename(path, join(this.#dir, file));
        end();
        const older = (await this.#list()).filter((one) => one.file.startsWith(`${hashOf(name)}.`));
        await this.#remove(older.filter((one) => one.file !== file && one.file !== this.#playing));
        return { file, etag };
      },
      drop: async () => {
        end();
        await rm(path, { force: true });
      },
    };
  }

  async #makeRoom(): Promise<void> {
    // No one else is to put files there that would be played: the folder may be one of /tmp.
    await mkdir(this.#dir, { recursive: true, mode: 0o700 });
    const { uid } = await stat(this.#dir);
    if (uid !== 0 && uid !== process.getuid?.()) {
      throw Object.assign(new Error(`${this.#dir} belongs to another user.`), { path: this.#dir, syscall: 'stat' });
    }
    await this.#removeDeadParts();
    const kept = await this.#list();
    const total = kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    const { bavail, bsize } = await statfs(this.#dir);
    let lackingBytes = Math.max(total + this.#promisedBytes - this.#maxBytes, this.#promisedBytes - bavail * bsize);
    for (const one of kept) {
      if (lackingBytes <= 0) break;
      if (one.file === this.#playing) continue;
      await this.#remove([one]);
      lackingBytes -= one.sizeBytes;
    }
    if (lackingBytes > 0) throw new NoRoomError(`${lackingBytes} bytes are lacking in ${this.#dir}.`);
  }

  /** What is kept, that which was not used for longest first. */
  async #list(): Promise<KeptFile[]> {
    const names = await readdir(this.#dir).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return [];
      throw error;
    });
    const kept: KeptFile[] = [];
    for (const file of names) {
      const etag = FILE.exec(file)?.[2];
      const found = etag === undefined ? null : await stat(join(this.#dir, file)).catch(() => null);
      if (etag === undefined || found === null) continue;
      kept.push({
        file,
        etag: Buffer.from(etag, 'base64url').toString(),
        sizeBytes: found.size,
        usedMs: found.atimeMs,
      });
    }
    return kept.sort((one, other) => one.usedMs - other.usedMs);
  }

  async #removeDeadParts(): Promise<void> {
    for (const name of await readdir(this.#dir)) {
      if (!PART.test(name) || this.#ownParts.has(name)) continue;
      const path = join(this.#dir, name);
      const found = await stat(path).catch(() => null);
      if (found !== null && Date.now() - found.mtimeMs > DEAD_PART_MS) await rm(path, { force: true });
    }
  }

  async #remove(files: readonly CachedFile[]): Promise<void> {
    for (const { file } of files) await rm(join(this.#dir, file), { force: true });
  }
}

/** A file that is being written. */
export interface Part {
  readonly path: string;
  /** Makes it the present version of an asset, and removes the others. */
  keep(name: string, etag: string, container: Container): Promise<CachedFile>;
  drop(): Promise<void>;
}

function hashOf(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 40);
}
