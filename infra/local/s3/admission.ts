import { type Credentials, checkSignature, type SignedContent } from '../sigv4.ts';
import { S3Error, type S3ErrorCode } from './errors.ts';

/** As S3 documents it: "Error responses", `RequestTimeTooSkewed`. */
const GREATEST_SKEW_MS = 15 * 60 * 1_000;

const ERRORS: Readonly<Record<string, S3ErrorCode>> = {
  UNSIGNED: 'AccessDenied',
  UNKNOWN_CALLER: 'InvalidAccessKeyId',
  WRONG_TIME: 'RequestTimeTooSkewed',
};

/**
 * Admits a request without a body that these credentials signed for S3.
 *
 * @returns the region that it was signed for.
 * @throws {S3Error} that says, as S3 does, why it is not admitted.
 */
export function admit(request: Omit<SignedContent, 'payloadHash'>, credentials: Credentials): string {
  const payloadHash = request.headers['x-amz-content-sha256'];
  if (payloadHash === undefined && request.headers['authorization'] !== undefined) {
    throw new S3Error('MissingSecurityHeader');
  }
  const check = checkSignature(
    { ...request, payloadHash: payloadHash ?? '' },
    { service: 's3', credentials, greatestSkewMs: GREATEST_SKEW_MS, nowMs: Date.now() },
  );
  if (check.problem === null) return check.region;
  throw new S3Error(ERRORS[check.problem] ?? 'SignatureDoesNotMatch');
}
