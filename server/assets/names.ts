/** The asset that stands for the test picture, which the page makes itself: it needs no file. */
export const PATTERN_NAME = 'pattern';

/** As the control plane allows (`assetName` of an invite). */
const MAX_NAME_CHARACTERS = 1_024;

/** Control characters, and halves of characters, which no URL can hold. */
const NO_TEXT = /\p{Cc}|\p{Cs}/u;

const S3_SCHEME = 's3://';
/** "General purpose bucket naming rules" of the S3 user guide; what they reserve besides, S3 itself refuses. */
const BUCKET = /^[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]$/;
const IPV4_ADDRESS = /^\d+\.\d+\.\d+\.\d+$/;
/** "Naming Amazon S3 objects" of the S3 user guide: bytes of UTF-8. */
const MAX_KEY_BYTES = 1_024;

/** An object of S3. */
export interface S3Name {
  bucket: string;
  key: string;
}

/**
 * What is wrong with the name of an asset, or `null`. A name is `s3://bucket/key`, or a path inside the folder of assets,
 * its parts divided by `/`; spaces and all letters are allowed. A part of a path that begins with a dot is not: `..` leads
 * out, and hidden files are not meant to be played.
 *
 * @returns what was expected instead, to be put after "expected".
 */
export function assetNameProblem(name: string): string | null {
  if (name === '' || name.length > MAX_NAME_CHARACTERS) return `1 to ${MAX_NAME_CHARACTERS} characters`;
  if (NO_TEXT.test(name)) return 'no control characters';
  if (isS3Name(name)) return s3NameProblem(splitS3Name(name));
  if (name.includes('\\')) return 'folders divided by /, not by \\';
  const isPath = name.split('/').every((part) => part !== '' && !part.startsWith('.'));
  return isPath ? null : 'a file in the folder of assets, such as clip.mp4 or trailers/clip.mp4, or s3://bucket/key';
}

/** Whether the name, if it is valid, is that of an object of S3. */
export function isS3Name(name: string): boolean {
  return name.startsWith(S3_SCHEME);
}

/** Bucket and key of an S3 name. The key is taken as it stands: a `%` or a `?` in it is part of it. */
export function splitS3Name(name: string): S3Name {
  const [bucket = '', ...rest] = name.slice(S3_SCHEME.length).split('/');
  return { bucket, key: rest.join('/') };
}

function s3NameProblem({ bucket, key }: S3Name): string | null {
  if (!BUCKET.test(bucket) || IPV4_ADDRESS.test(bucket)) {
    return 's3://bucket/key with a bucket of 3 to 63 lower-case letters, digits, dots and hyphens';
  }
  if (key === '' || Buffer.byteLength(key) > MAX_KEY_BYTES)
    return `a key of 1 to ${MAX_KEY_BYTES} bytes after the bucket`;
  // A path of such parts is shortened on its way, and then names another object, or another bucket.
  const isPlain = key.split('/').every((part) => part !== '.' && part !== '..');
  return isPlain ? null : 'a key without the parts . and ..';
}

/** Where the page gets the asset of a valid name from, on its own origin. Objects of S3 have no such fixed address. */
export function assetUrl(name: string): string {
  return name === PATTERN_NAME ? 'pattern:' : `/assets/${name.split('/').map(encodeURIComponent).join('/')}`;
}
