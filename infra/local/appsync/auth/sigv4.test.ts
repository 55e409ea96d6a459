import { Signer } from 'aws-appsync-auth-link';
import { RequestError } from '../errors.ts';
import { type SignedRequest, verifySignature } from './sigv4.ts';

const CREDENTIALS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };
const BODY = '{"query":"{ __typename }"}';

/** A request as AppSync's own client library signs it. */
function signed(credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }): SignedRequest {
  const { headers } = Signer.sign(
    { method: 'POST', url: 'http://127.0.0.1:4000/graphql', body: BODY, headers: { accept: '*/*' } },
    {
      access_key: credentials.accessKeyId,
      secret_key: credentials.secretAccessKey,
      session_token: credentials.sessionToken,
    },
    { service: 'appsync', region: 'eu-west-1' },
  );
  const lower = Object.entries<string>({ ...headers, host: '127.0.0.1:4000' }).map(([name, value]) => [
    name.toLowerCase(),
    value,
  ]);
  return { method: 'POST', path: '/graphql', headers: Object.fromEntries(lower), body: BODY };
}

function refusal(request: SignedRequest, credentials: Parameters<typeof verifySignature>[1], nowMs = Date.now()) {
  try {
    verifySignature(request, credentials, nowMs);
    return null;
  } catch (error) {
    return error instanceof RequestError ? [error.statusCode, error.errorType] : error;
  }
}

test('what the client library signs is admitted, with a session token and without', () => {
  const withToken = { ...CREDENTIALS, sessionToken: 'session-token' };
  expect(refusal(signed(CREDENTIALS), CREDENTIALS)).toBeNull();
  expect(refusal(signed(withToken), withToken)).toBeNull();
});

const request = signed(CREDENTIALS);

test.each<[string, SignedRequest, string]>([
  ['another body', { ...request, body: '{}' }, 'InvalidSignatureException'],
  ['another path', { ...request, path: '/graphql/connect' }, 'InvalidSignatureException'],
  ['another host', { ...request, headers: { ...request.headers, host: 'evil' } }, 'InvalidSignatureException'],
  ['another key', signed({ ...CREDENTIALS, accessKeyId: 'OTHER' }), 'UnrecognizedClientException'],
  ['another secret', signed({ ...CREDENTIALS, secretAccessKey: 'other' }), 'InvalidSignatureException'],
  ['a session token', signed({ ...CREDENTIALS, sessionToken: 'more' }), 'UnrecognizedClientException'],
  ['no signature', { ...request, headers: {} }, 'IncompleteSignatureException'],
])('%s is refused', (_, changed, errorType) => {
  expect(refusal(changed, CREDENTIALS)).toEqual([403, errorType]);
});

test('a signature is refused 5 minutes after it was made, and before that admitted', () => {
  const { headers } = request;
  const madeMs = Date.parse(String(headers['x-amz-date']).replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'));
  expect(refusal(request, CREDENTIALS, madeMs + 300_000)).toBeNull();
  expect(refusal(request, CREDENTIALS, madeMs + 300_001)).toEqual([403, 'InvalidSignatureException']);
});
