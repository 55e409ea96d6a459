import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type AppSyncClient, createAppSyncClient } from './client.ts';
import { AppSyncError } from './errors.ts';

const API_KEY = 'da2-secret0123456789';
const SECRET = 'secret-of-the-session';
const CREDENTIALS = { accessKeyId: 'AKID', secretAccessKey: 'secret', sessionToken: SECRET };
const QUERY = 'query Read($id: ID!) { getVirtualParticipant(id: $id) { id } }';

let server: Server;
let url: string;
let respond: (request: IncomingMessage, response: ServerResponse) => void;
const clients: AppSyncClient[] = [];

const connect = (options: Partial<Parameters<typeof createAppSyncClient>[0]> = {}) => {
  const client = createAppSyncClient({ url, apiKey: API_KEY, ...options });
  clients.push(client);
  return client;
};

const answer = (status: number, body: unknown) => {
  respond = (_, response) => response.writeHead(status).end(JSON.stringify(body));
};

/** The request's error, as one can tell it apart. */
async function errorOf(request: Promise<unknown>) {
  const error = await request.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppSyncError)) throw new Error(`Expected an AppSyncError, got ${error}.`);
  const { kind, code, message, info } = error;
  expect(`${message} ${error.stack}`).not.toMatch(/secret/);
  return { kind, code, message, info };
}

beforeEach(async () => {
  server = createServer((request, response) => respond(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
});

afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()));
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

describe('AppSync client', () => {
  test('gives the data of a query', async () => {
    answer(200, { data: { getVirtualParticipant: { id: 'vp-1' } } });
    expect(await connect().request(QUERY, { id: 'vp-1' })).toEqual({ getVirtualParticipant: { id: 'vp-1' } });
  });

  test('signs for the region with the credentials when there is no key', async () => {
    const signed = new Promise<string>((resolve) => {
      respond = ({ headers }, response) => {
        resolve(headers.authorization ?? '');
        response.end('{"data":{}}');
      };
    });
    await connect({ apiKey: null, region: 'eu-west-1', credentials: async () => CREDENTIALS }).request(QUERY, {
      id: 'vp-1',
    });
    expect(await signed).toMatch(/^AWS4-HMAC-SHA256 Credential=AKID\/\d{8}\/eu-west-1\/appsync\/aws4_request/);
  });

  test('refuses to sign for a region that nobody named', () => {
    expect(() => connect({ apiKey: null })).toThrow('AWS_REGION: expected the region');
  });

  test('gives a typed refusal with what it says of the record', async () => {
    const info = { retryable: false, status: 'KICKED', epoch: 2, version: 9 };
    answer(200, {
      data: { getVirtualParticipant: null },
      errors: [{ message: 'No.', errorType: 'ILLEGAL_TRANSITION', errorInfo: info, path: ['x'] }],
    });
    expect(await errorOf(connect().request(QUERY, { id: 'vp-1' }))).toEqual({
      kind: 'refused',
      code: 'ILLEGAL_TRANSITION',
      message: 'ILLEGAL_TRANSITION: No.',
      info,
    });
  });

  test.each([
    [
      'an unknown key',
      401,
      { errors: [{ errorType: 'UnauthorizedException', message: `not with ${API_KEY}` }] },
      'unauthorized',
      'UnauthorizedException',
    ],
    [
      'a wrong signature',
      403,
      { errors: [{ errorType: 'InvalidSignatureException', message: `The Canonical String: ${SECRET}` }] },
      'unauthorized',
      'InvalidSignatureException',
    ],
    ['no permission', 403, { message: SECRET }, 'unauthorized', 'HTTP 403'],
    [
      'a field that is not allowed',
      200,
      { data: null, errors: [{ errorType: 'Unauthorized', message: 'Not Authorized to access it' }] },
      'unauthorized',
      'Unauthorized',
    ],
    ['throttling', 429, { errors: [{ errorType: 'ThrottlingException' }] }, 'failed', 'ThrottlingException'],
    ['a fault inside', 500, 'Oops', 'failed', 'HTTP 500'],
    [
      'another schema',
      200,
      { errors: [{ errorType: 'ValidationError', message: 'Field "x" is undefined' }] },
      'failed',
      'ValidationError',
    ],
  ])('tells %s from the rest', async (_, status, body, kind, code) => {
    answer(status, body);
    const error = await errorOf(connect().request(QUERY, { id: 'vp-1' }));
    expect([error.kind, error.code]).toEqual([kind, code]);
  });

  test('tells that there are no credentials, and asks again the next time', async () => {
    answer(200, { data: {} });
    let isMissing = true;
    const client = connect({
      apiKey: null,
      region: 'eu-west-1',
      credentials: async () => {
        if (isMissing) throw Object.assign(new Error(`no ${SECRET}`), { name: 'CredentialsProviderError' });
        return CREDENTIALS;
      },
    });
    const { kind, code } = await errorOf(client.request(QUERY, { id: 'vp-1' }));
    expect([kind, code]).toEqual(['unauthorized', 'CredentialsProviderError']);
    isMissing = false;
    expect(await client.request(QUERY, { id: 'vp-1' })).toEqual({});
  });

  test('gives a request up whose answer does not come in time', async () => {
    respond = () => {};
    expect(await errorOf(connect().request(QUERY, { id: 'vp-1' }, 50))).toEqual({
      kind: 'unreachable',
      code: 'TIMEOUT',
      message: 'The GraphQL API did not answer within 0.05 s.',
      info: {},
    });
  });

  test('gives a request up whose credentials do not come in time', async () => {
    const client = connect({ apiKey: null, region: 'eu-west-1', credentials: () => new Promise(() => {}) });
    expect((await errorOf(client.request(QUERY, { id: 'vp-1' }, 50))).code).toBe('TIMEOUT');
  });

  test('tells that nobody listens', async () => {
    await new Promise((resolve) => server.close(resolve));
    const { kind, code } = await errorOf(connect().request(QUERY, { id: 'vp-1' }));
    expect([kind, code]).toEqual(['unreachable', 'ECONNREFUSED']);
  });

  test('ends what waits when it is closed, and takes nothing after', async () => {
    respond = () => {};
    const client = connect();
    const waiting = errorOf(client.request(QUERY, { id: 'vp-1' }));
    await client.close();
    expect([(await waiting).code, (await errorOf(client.request(QUERY, { id: 'vp-1' }))).code]).toEqual([
      'CLOSED',
      'CLOSED',
    ]);
  });
});
