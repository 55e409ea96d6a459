import { RequestError } from '../errors.ts';
import type { AuthMode } from '../graphql/schema.ts';
import { type Credentials, type SignedRequest, verifySignature } from './sigv4.ts';

/** Who is admitted. */
export interface Callers {
  apiKey: string;
  credentials: Credentials;
}

/** Header names in lower case: clients send them in every case, and `x-api-key` twice. */
export function lowerCaseNames(headers: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]));
}

/**
 * Who sent the request: an API key, or a signature of IAM credentials over all of it.
 *
 * @throws {RequestError} 401 or 403 if it is neither
 */
export function authenticate(request: SignedRequest, callers: Callers): AuthMode {
  const { headers } = request;
  if (headers['x-api-key'] !== undefined) {
    if (headers['x-api-key'] === callers.apiKey) return 'API_KEY';
    throw unauthorized('You are not authorized to make this call.');
  }
  if (headers['authorization'] === undefined) throw unauthorized('Valid authorization header not provided.');
  verifySignature(request, callers.credentials, Date.now());
  return 'AWS_IAM';
}

export function unauthorized(message: string): RequestError {
  return new RequestError(401, 'UnauthorizedException', message);
}
