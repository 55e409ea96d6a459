import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { RequestError } from '../errors.ts';

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** What was signed; `headers` by their lower-case names. */
export interface SignedRequest {
  method: string;
  path: string;
  headers: Readonly<Record<string, string>>;
  body: string;
}

/** AWS refuses a request whose clock is further off. */
const GREATEST_SKEW_MS = 5 * 60 * 1_000;

/**
 * Verifies a Signature Version 4 of service `appsync`, as AWS documents it ("Create a signed AWS API request").
 *
 * @throws {RequestError} 403 with AWS's own error type if it is not `credentials` that signed exactly this, lately
 */
export function verifySignature(request: SignedRequest, credentials: Credentials, nowMs: number): void {
  const { headers } = request;
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/appsync\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers['authorization'] ?? '',
    );
  if (!match) throw new RequestError(403, 'IncompleteSignatureException', 'Expected a signature for service appsync.');
  const [, accessKeyId, day = '', region = '', signedHeaders = '', signature = ''] = match;
  const isKnown =
    accessKeyId === credentials.accessKeyId && headers['x-amz-security-token'] === credentials.sessionToken;
  if (!isKnown) {
    throw new RequestError(
      403,
      'UnrecognizedClientException',
      'The security token included in the request is invalid.',
    );
  }
  const date = headers['x-amz-date'] ?? '';
  const isRecent = Math.abs(toMilliseconds(date) - nowMs) <= GREATEST_SKEW_MS;
  if (!date.startsWith(day) || !isRecent) {
    throw new RequestError(
      403,
      'InvalidSignatureException',
      'Signature expired: x-amz-date is more than 5 minutes off.',
    );
  }
  const names = signedHeaders.split(';');
  const isComplete = ['host', 'x-amz-date'].every((name) => names.includes(name));
  const expected = sign(request, credentials.secretAccessKey, { day, date, region, names });
  if (!isComplete || !timingSafeEqual(Buffer.from(signature, 'hex'), expected)) {
    throw new RequestError(
      403,
      'InvalidSignatureException',
      'The request signature we calculated does not match the signature you provided.',
    );
  }
}

interface Scope {
  day: string;
  date: string;
  region: string;
  names: readonly string[];
}

function sign({ method, path, headers, body }: SignedRequest, secret: string, scope: Scope): Buffer {
  const { day, date, region, names } = scope;
  const canonical = [
    method,
    path,
    '',
    ...names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    sha256(body),
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', date, `${day}/${region}/appsync/aws4_request`, sha256(canonical)].join('\n');
  let key: Buffer = Buffer.from(`AWS4${secret}`);
  for (const part of [day, region, 'appsync', 'aws4_request']) key = hmac(key, part);
  return hmac(key, toSign);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** @returns NaN unless `date` reads like 20261122T085128Z */
function toMilliseconds(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}
