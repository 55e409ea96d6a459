import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { crc32 } from 'node:zlib';

/** A file of a bucket's folder, as an object. */
export interface StoredObject {
  /** Absolute, after all links. */
  path: string;
  size: number;
  lastModified: Date;
  /** MD5 of the content, in quotes: what S3 gives an object that was uploaded in one part. */
  etag: string;
  /** CRC-32 of the content, in base64. */
  crc32: string;
}

/** Finds objects, and keeps what was computed over a file for as long as the file is the same. */
export class Objects {
  readonly #digests = new Map<string, { of: string; etag: string; crc32: string }>();

  /** `null` if the folder has no such file. */
  async find(folder: string, key: string): Promise<StoredObject | null> {
    const path = await pathOf(folder, key);
    const found = path === null ? null : await stat(path);
    if (path === null || !found?.isFile()) return null;
    const of = `${found.size} ${found.mtimeMs} ${found.ino}`;
    const kept = this.#digests.get(path);
    const digests = kept?.of === of ? kept : { of, ...(await digest(path)) };
    this.#digests.set(path, digests);
    const { etag, crc32: crc } = digests;
    return { path, size: found.size, lastModified: found.mtime, etag, crc32: crc };
  }
}

/** `null` if there is nothing, or if it would be outside of the folder. */
async function pathOf(folder: string, key: string): Promise<string | null> {
  try {
    const root = await realpath(folder);
    const path = await realpath(join(root, key));
    return path.startsWith(root + sep) ? path : null;
  } catch {
    return null;
  }
}

async function digest(path: string): Promise<{ etag: string; crc32: string }> {
  const md5 = createHash('md5');
  let crc = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
    md5.update(chunk);
    crc = crc32(chunk, crc);
  }
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc);
  return { etag: `"${md5.digest('hex')}"`, crc32: bytes.toString('base64') };
}
