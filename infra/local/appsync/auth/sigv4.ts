import { type Credentials, checkSignature, type SignatureProblem, sha256 } from '../../sigv4.ts';
import { RequestError } from '../errors.ts';

export type { Credentials };

/** What was signed; `headers` by their lower-case names. */
export interface SignedRequest {
  method: string;
  path: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** AWS refuses a request whose clock is further off. */
const GREATEST_SKEW_MS = 5 * 60 * 1_000;

const ERRORS: Readonly<Record<SignatureProblem, readonly [type: string, message: string]>> = {
  UNSIGNED: ['IncompleteSignatureException', 'Expected a signature for service appsync.'],
  UNKNOWN_CALLER: ['UnrecognizedClientException', 'The security token included in the request is invalid.'],
  WRONG_TIME: ['InvalidSignatureException', 'Signature expired: x-amz-date is more than 5 minutes off.'],
  MISMATCH: [
    'InvalidSignatureException',
    'The request signature we calculated does not match the signature you provided.',
  ],
};

/**
 * Verifies a Signature Version 4 of service `appsync`.
 *
 * @throws {RequestError} 403 with AWS's own error type if it is not `credentials` that signed exactly this, lately
 */
export function verifySignature(request: SignedRequest, credentials: Credentials, nowMs: number): void {
  const { problem } = checkSignature(
    { ...request, payloadHash: sha256(request.body) },
    { service: 'appsync', credentials, greatestSkewMs: GREATEST_SKEW_MS, nowMs },
  );
  if (problem !== null) throw new RequestError(403, ...ERRORS[problem]);
}
