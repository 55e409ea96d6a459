import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** What was signed, as it was sent; `headers` by their lower-case names. */
export interface SignedContent {
  method: string;
  path: string;
  /** What follows the `?`. */
  query?: string;
  headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body in hex, or the word that the service lets stand for it. */
  payloadHash: string;
}

export interface SignatureRules {
  /** The service that the signature must be for, such as `s3`. */
  service: string;
  credentials: Credentials;
  /** The service refuses a request whose clock is further off. */
  greatestSkewMs: number;
  nowMs: number;
}

/** Why a request is not admitted: it has no signature for the service, or one of another caller, time or content. */
export type SignatureProblem = 'UNSIGNED' | 'UNKNOWN_CALLER' | 'WRONG_TIME' | 'MISMATCH';

/** A signature that is right, and the region that it is for; or what is wrong with it. */
export type SignatureCheck = { problem: null; region: string } | { problem: SignatureProblem };

/** Verifies a Signature Version 4 in the header, as AWS documents it ("Create a signed AWS API request"). */
export function checkSignature(request: SignedContent, rules: SignatureRules): SignatureCheck {
  const { headers } = request;
  const { service, credentials, greatestSkewMs, nowMs } = rules;
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers['authorization'] ?? '',
    );
  const [, accessKeyId, day = '', region = '', signedFor, signedHeaders = '', signature = ''] = match ?? [];
  if (signedFor !== service) return { problem: 'UNSIGNED' };
  const isKnown =
    accessKeyId === credentials.accessKeyId && headers['x-amz-security-token'] === credentials.sessionToken;
  if (!isKnown) return { problem: 'UNKNOWN_CALLER' };
  const date = headers['x-amz-date'] ?? '';
  const isRecent = Math.abs(toMilliseconds(date) - nowMs) <= greatestSkewMs;
  if (!date.startsWith(day) || !isRecent) return { problem: 'WRONG_TIME' };
  const names = signedHeaders.split(';');
  const isComplete = ['host', 'x-amz-date'].every((name) => names.includes(name));
  const expected = sign(request, credentials.secretAccessKey, { service, day, date, region, names });
  const isRight = isComplete && timingSafeEqual(Buffer.from(signature, 'hex'), expected);
  return isRight ? { problem: null, region } : { problem: 'MISMATCH' };
}

interface Scope {
  service: string;
  day: string;
  date: string;
  region: string;
  names: readonly string[];
}

function sign({ method, path, query = '', headers, payloadHash }: SignedContent, secret: string, scope: Scope): Buffer {
  const { service, day, date, region, names } = scope;
  const canonical = [
    method,
    path,
    canonicalQuery(query),
    ...names.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}`),
    '',
    names.join(';'),
    payloadHash,
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', date, `${day}/${region}/${service}/aws4_request`, sha256(canonical)].join('\n');
  let key: Buffer = Buffer.from(`AWS4${secret}`);
  for (const part of [day, region, service, 'aws4_request']) key = hmac(key, part);
  return hmac(key, toSign);
}

function canonicalQuery(query: string): string {
  const parameters = query.split('&').filter((parameter) => parameter !== '');
  return parameters
    .map((parameter) => (parameter.includes('=') ? parameter : `${parameter}=`))
    .sort()
    .join('&');
}

/** In hex. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** @returns NaN unless `date` reads like 20261122T085128Z */
function toMilliseconds(date: string): number {
  return Date.parse(date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}
