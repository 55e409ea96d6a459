import { FAILURES, type FailureCode, FailureError, failure } from '../../../machines/failures.ts';
import { DeadlineError } from '../../deadline.ts';
import { BrokenDownloadError, failureOf, NoRoomError, tooLarge } from './failures.ts';

const NAME = 's3://bucket/a.mp4';
/** What an error says is for the log alone: it may hold a signed address or a key. */
const SECRET = 'AKIAEXAMPLE';

function sdkError(name: string, httpStatusCode?: number) {
  return Object.assign(new Error(SECRET), { name, $metadata: { httpStatusCode } });
}

function diskError(code: string, fields: object) {
  return Object.assign(new Error(SECRET), { code, ...fields });
}

describe('failureOf', () => {
  it.each<[string, unknown, FailureCode]>([
    ['a key that is not there', sdkError('NoSuchKey', 404), 'ASSET_NOT_FOUND'],
    ['a bucket that is not there', sdkError('NoSuchBucket', 404), 'ASSET_NOT_FOUND'],
    ['an archived object', sdkError('InvalidObjectState', 403), 'ASSET_NOT_FOUND'],
    ['a refusal', sdkError('AccessDenied', 403), 'ASSET_NOT_ALLOWED'],
    ['a refusal of another name', sdkError('KMS.DisabledException', 403), 'ASSET_NOT_ALLOWED'],
    ['expired credentials', sdkError('ExpiredToken', 400), 'AWS_NOT_ALLOWED'],
    ['no credentials', Object.assign(new Error(SECRET), { name: 'CredentialsProviderError' }), 'AWS_NOT_ALLOWED'],
    ['too many requests', sdkError('SlowDown', 503), 'PREPARE_FAILED'],
    ['too many requests by another name', sdkError('503', 503), 'PREPARE_FAILED'],
    ['an error of S3', sdkError('InternalError', 500), 'PREPARE_FAILED'],
    ['no answer', sdkError('Error'), 'PREPARE_FAILED'],
    ['a connection that was not made in time', sdkError('TimeoutError'), 'PREPARE_FAILED'],
    ['a call that took too long', new DeadlineError(10_000), 'PREPARE_FAILED'],
    ['a download that broke off', new BrokenDownloadError(SECRET), 'ASSET_TIMEOUT'],
    ['a cache without room', new NoRoomError(SECRET), 'INTERNAL'],
    ['a full disk', diskError('ENOSPC', { syscall: 'write' }), 'INTERNAL'],
    ['a folder that cannot be written', diskError('EROFS', { syscall: 'mkdir', path: '/cache' }), 'INTERNAL'],
    ['something unforeseen', new TypeError(SECRET), 'PREPARE_FAILED'],
    ['what is no error', SECRET, 'PREPARE_FAILED'],
  ])('of %s names its code and the asset or S3, and keeps the words of the error inside', (_, error, code) => {
    const told = failureOf(error, NAME);
    expect(told.failure).toEqual({ code, ...FAILURES[code], message: told.message });
    expect([told.cause, told.message.includes(SECRET), /s3:\/\/bucket\/a\.mp4|credentials/.test(told.message)]).toEqual(
      [error, false, true],
    );
  });

  it('leaves what is told already', () => {
    const told = new FailureError(failure('ASSET_UNPLAYABLE', 'It is text.'));
    expect(failureOf(told, NAME)).toBe(told);
  });
});

describe('tooLarge', () => {
  it('says how large it is, and how large it may be, in megabytes', () => {
    expect(tooLarge(NAME, 1_234_567_890, 1_000_000_000).message).toBe(
      '"s3://bucket/a.mp4" has 1230 MB; expected at most 1000 MB. Encode it smaller, or raise MAX_ASSET_MB.',
    );
  });
});
