import { S3Error } from './errors.ts';

/** The first and the last byte of a part. */
export interface Part {
  first: number;
  last: number;
}

/**
 * Reads a `Range` header as S3 does: one range of bytes. What is written otherwise is no range, and all is meant.
 *
 * @throws {S3Error} `InvalidRange` if it begins behind the end.
 */
export function readRange(header: string | undefined, size: number): Part | null {
  const match = /^bytes=(\d*)-(\d*)$/.exec(header ?? '');
  const [, from = '', to = ''] = match ?? [];
  if (from === '' && to === '') return null;
  const first = from === '' ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1);
  if (from !== '' && to !== '' && Number(to) < Number(from)) return null;
  if (first > last) throw new S3Error('InvalidRange', { 'content-range': `bytes */${size}` });
  return { first, last };
}
