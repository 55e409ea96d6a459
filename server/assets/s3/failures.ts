import { type FailureCode, FailureError, failure } from '../../../machines/failures.ts';
import { DeadlineError } from '../../deadline.ts';
import { splitS3Name } from '../names.ts';

/** Megabytes as they are shown and set. */
export const BYTES_PER_MB = 1_000_000;

const VIDEO = 'Expected a video that Chromium plays, such as MP4 with H.264 and AAC, or WebM.';

type Sentence = (name: string) => string;
type Row = readonly [FailureCode, Sentence];

const NOT_ALLOWED: Row = [
  'ASSET_NOT_ALLOWED',
  (name) =>
    `S3 does not let the virtual participant read ${quoted(name)}, or it is not there: to a role without s3:ListBucket S3 says the same of both. Check the name, and that the IAM role has s3:GetObject on it, and kms:Decrypt where it is encrypted with KMS.`,
];
const NO_CREDENTIALS: Row = [
  'AWS_NOT_ALLOWED',
  () => 'S3 did not accept the credentials of the virtual participant, or it has none.',
];
const TOO_MANY: Row = [
  'PREPARE_FAILED',
  (name) => `S3 has too many requests for the bucket of ${quoted(name)} now; try again in a while.`,
];
const UNREACHABLE: Row = [
  'PREPARE_FAILED',
  (name) => `S3 could not be reached for ${quoted(name)}; is there a way to the network?`,
];
const NO_ROOM: Row = [
  'INTERNAL',
  (name) =>
    `There is no room for ${quoted(name)} in the asset cache of the virtual participant: its disk is full, or ASSET_CACHE_MB is.`,
];
const NOT_WRITABLE: Row = [
  'INTERNAL',
  (name) =>
    `${quoted(name)} could not be kept: the asset cache cannot be written. Set ASSET_CACHE_DIR to a folder that can.`,
];

/** What S3's error codes and the AWS SDK's own errors mean ("Error responses" of the S3 API reference). */
const BY_NAME: Readonly<Record<string, Row>> = {
  NoSuchKey: ['ASSET_NOT_FOUND', (name) => `There is no ${quoted(name)} in S3; it was to be an asset.`],
  NoSuchBucket: [
    'ASSET_NOT_FOUND',
    (name) => `There is no bucket ${quoted(splitS3Name(name).bucket)} in S3; ${quoted(name)} was to be an asset.`,
  ],
  InvalidObjectState: [
    'ASSET_NOT_FOUND',
    (name) => `${quoted(name)} is archived; restore it, or copy it to a storage class that is read at once.`,
  ],
  AccessDenied: NOT_ALLOWED,
  AllAccessDisabled: NOT_ALLOWED,
  InvalidAccessKeyId: NO_CREDENTIALS,
  InvalidToken: NO_CREDENTIALS,
  ExpiredToken: NO_CREDENTIALS,
  TokenRefreshRequired: NO_CREDENTIALS,
  SignatureDoesNotMatch: NO_CREDENTIALS,
  RequestTimeTooSkewed: NO_CREDENTIALS,
  CredentialsProviderError: NO_CREDENTIALS,
  TokenProviderError: NO_CREDENTIALS,
  SlowDown: TOO_MANY,
  ServiceUnavailable: TOO_MANY,
  ThrottlingException: TOO_MANY,
  TimeoutError: UNREACHABLE,
};

/** S3 sent nothing for a while, or the connection broke off again and again. */
export class BrokenDownloadError extends Error {
  override readonly name = 'BrokenDownloadError';
}

/** There is no room for an asset: all that the cache holds is in use, or others fill the disk. */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError';
}

/**
 * What to tell of an asset that could not be had from S3, by whose fault it is. The sentence names the asset and holds
 * none of the error's own words, which are for the log: the error is its `cause`.
 */
export function failureOf(error: unknown, name: string): FailureError {
  if (error instanceof FailureError) return error;
  const [code, sentence] = rowOf(error);
  return new FailureError(failure(code, sentence(name)), { cause: error });
}

export function tooLarge(name: string, bytes: number, maxBytes: number): FailureError {
  return new FailureError(
    failure(
      'ASSET_TOO_LARGE',
      `${quoted(name)} has ${inMb(bytes)}; expected at most ${inMb(maxBytes)}. Encode it smaller, or raise MAX_ASSET_MB.`,
    ),
  );
}

/** @param found what it is instead, after "it is". */
export function notAVideo(name: string, found: string): FailureError {
  return new FailureError(failure('ASSET_UNPLAYABLE', `${quoted(name)} cannot be played: it is ${found}. ${VIDEO}`));
}

/** The failure of an invite that could not wait longer for a download, which goes on. */
export function notYet(name: string, timeoutMs: number): FailureError {
  return new FailureError(
    failure(
      'ASSET_TIMEOUT',
      `${quoted(name)} was not there after ${Number((timeoutMs / 1_000).toFixed(1))} s. Its download goes on: invite again in a while, or encode it smaller.`,
    ),
  );
}

function rowOf(error: unknown): Row {
  const { name = 'unknown error', code = '' } = fieldsOf(error);
  if (error instanceof BrokenDownloadError) {
    return ['ASSET_TIMEOUT', (asset) => `S3 stopped sending ${quoted(asset)} before all of it was there; try again.`];
  }
  if (error instanceof NoRoomError || code === 'ENOSPC' || code === 'EDQUOT') return NO_ROOM;
  if (error instanceof DeadlineError) return UNREACHABLE;
  if (Object.hasOwn(BY_NAME, name)) return BY_NAME[name] ?? failedAs(name);
  if (isOfTheDisk(error)) return NOT_WRITABLE;
  const status = statusOf(error);
  if (status === 403) return NOT_ALLOWED;
  if (status === 503) return TOO_MANY;
  return wasNeverAnswered(error) ? UNREACHABLE : failedAs(name);
}

function failedAs(error: string): Row {
  return ['PREPARE_FAILED', (name) => `S3 failed at GetObject of ${quoted(name)} (${error}); try again.`];
}

/** The HTTP status of an error of the AWS SDK. */
export function statusOf(error: unknown): number | undefined {
  return fieldsOf(error).$metadata?.httpStatusCode;
}

/** Whether the SDK sent a request, as often as it may, and no answer to it came. */
function wasNeverAnswered(error: unknown): boolean {
  return fieldsOf(error).$metadata !== undefined && statusOf(error) === undefined;
}

function isOfTheDisk(error: unknown): boolean {
  const { path, syscall } = fieldsOf(error);
  return path !== undefined && syscall !== undefined;
}

function fieldsOf(error: unknown): Partial<NodeJS.ErrnoException> & { $metadata?: { httpStatusCode?: number } } {
  return typeof error === 'object' && error !== null ? error : {};
}

function quoted(name: string): string {
  return JSON.stringify(name);
}

function inMb(bytes: number): string {
  return `${Number((bytes / BYTES_PER_MB).toPrecision(3))} MB`;
}
