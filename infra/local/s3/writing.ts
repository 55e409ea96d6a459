import { createHash } from 'node:crypto';
import { mkdir, realpath, rmdir, unlink, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { dirname, join, sep } from 'node:path';
import { S3Error } from './errors.ts';

/** More than any asset of a test; a real S3 takes 5 GB at once. */
const MOST_BYTES = 100_000_000;

/**
 * Writes the body of a request as an object.
 *
 * @returns its ETag
 * @throws {S3Error} if it is too large, is not what was signed, or would be outside of the folder
 */
export async function writeObject(folder: string, key: string, request: IncomingMessage): Promise<string> {
  const body = await readBody(request);
  const signed = request.headers['x-amz-content-sha256'];
  if (signed !== 'UNSIGNED-PAYLOAD' && signed !== createHash('sha256').update(body).digest('hex')) {
    throw new S3Error('XAmzContentSHA256Mismatch');
  }
  const path = pathOf(folder, key);
  await mkdir(dirname(path), { recursive: true });
  // A link may lead out of the folder.
  const [root, parent] = await Promise.all([realpath(folder), realpath(dirname(path))]);
  if (parent !== root && !parent.startsWith(root + sep)) throw new S3Error('AccessDenied');
  await writeFile(path, body);
  return `"${createHash('md5').update(body).digest('hex')}"`;
}

/** Removes an object, and the folders that it leaves empty. One that is not there is no error, as S3 has it. */
export async function deleteObject(folder: string, key: string): Promise<void> {
  const path = pathOf(folder, key);
  await unlink(path).catch(() => {});
  for (let parent = dirname(path); parent !== folder; parent = dirname(parent)) {
    const isGone = await rmdir(parent).then(
      () => true,
      () => false,
    );
    if (!isGone) return;
  }
}

function pathOf(folder: string, key: string): string {
  const path = join(folder, key);
  if (!path.startsWith(folder + sep) || key.endsWith('/')) throw new S3Error('AccessDenied');
  return path;
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new S3Error('EntityTooLarge');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
