import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { DEFAULT_API_KEY, DEFAULT_CREDENTIALS, startAppSync } from './server.ts';
import { makeAvailable, OWNER, startControlPlane } from './testing/control-plane.ts';

let plane: Awaited<ReturnType<typeof startControlPlane>>;

beforeAll(async () => {
  plane = await startControlPlane();
});

afterAll(() => plane.close());

async function post(body: string, headers: Record<string, string> = { 'x-api-key': DEFAULT_API_KEY }) {
  const response = await fetch(plane.api.url, { method: 'POST', headers, body });
  return { status: response.status, body: await response.json() };
}

test('an error of a field has errorType, errorInfo and data at its top level, and the others their values', async () => {
  const query = 'mutation { kickVirtualParticipant(input: { id: "nobody" }) { id } }';
  expect(await post(JSON.stringify({ query }))).toEqual({
    status: 200,
    body: {
      data: { kickVirtualParticipant: null },
      errors: [
        {
          path: ['kickVirtualParticipant'],
          data: null,
          errorType: 'NOT_FOUND',
          errorInfo: { retryable: false, id: 'nobody' },
          locations: [{ line: 1, column: 12, sourceName: null }],
          message: 'No virtual participant "nobody" is registered.',
        },
      ],
    },
  });
});

test.each([
  ['no authorization', {}, 401, 'UnauthorizedException', 'Valid authorization header not provided.'],
  ['a wrong key', { 'x-api-key': 'x' }, 401, 'UnauthorizedException', 'You are not authorized to make this call.'],
  [
    'another kind of authorization',
    { authorization: 'Bearer x' },
    403,
    'IncompleteSignatureException',
    'Expected a signature for service appsync.',
  ],
])('%s is refused', async (_, headers, status, errorType, message) => {
  expect(await post('{}', headers)).toEqual({ status, body: { errors: [{ errorType, message }] } });
});

test.each(['registerVirtualParticipant', 'reportVirtualParticipant', 'heartbeatVirtualParticipant'])(
  '%s is not open to an API key',
  async (field) => {
    const status = field === 'reportVirtualParticipant' ? 'epoch: 1, status: AVAILABLE' : '';
    const query = `mutation { ${field}(input: { id: "vp-1", owner: "${OWNER}", ${status} }) { id } }`;
    const { body } = await post(JSON.stringify({ query }));
    expect(body).toMatchObject({
      data: { [field]: null },
      errors: [{ errorType: 'Unauthorized', message: `Not Authorized to access ${field} on type Mutation` }],
    });
  },
);

test.each([
  ['no JSON', 'nonsense', 400, 'MalformedHttpRequestException'],
  ['no query', '{"variables":{}}', 400, 'MalformedHttpRequestException'],
  ['a subscription', '{"query":"subscription { onVirtualParticipantChanged { id } }"}', 400, 'UnsupportedOperation'],
  ['more than 1 MiB', JSON.stringify({ query: ' '.repeat(1_048_577) }), 413, 'RequestEntityTooLargeException'],
])('%s is refused with %s', async (_, body, status, errorType) => {
  expect(await post(body)).toMatchObject({ status, body: { errors: [{ errorType }] } });
});

test('a document that does not fit the schema has errors and no data', async () => {
  const { status, body } = await post('{"query":"{ nonsense }"}');
  expect([status, body.data, body.errors[0].message]).toEqual([
    200,
    null,
    'Cannot query field "nonsense" on type "Query".',
  ]);
});

test('a page of another origin is admitted', async () => {
  const response = await fetch(plane.api.url, { method: 'OPTIONS', headers: { origin: 'http://localhost:5173' } });
  expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, '*']);
});

test('a port that is taken is named', async () => {
  const port = Number(new URL(plane.api.url).port);
  await expect(startAppSync({ port })).rejects.toThrow(
    `Port ${port} is taken. Stop what listens there, or start the local AppSync with another port (0: any free one).`,
  );
});

test('a DynamoDB that is not there is named', async () => {
  await expect(startAppSync({ port: 0, dynamoDbUrl: 'http://127.0.0.1:1' })).rejects.toThrow(
    'DynamoDB at http://127.0.0.1:1 could not be used',
  );
});

test('a plain Node process queries and subscribes with IAM', async () => {
  await makeAvailable(plane.container, 'vp-1');
  const script = fileURLToPath(new URL('./testing/plain-node.mjs', import.meta.url));
  const { accessKeyId, secretAccessKey } = DEFAULT_CREDENTIALS;
  let ended: { code: unknown; output: string } | undefined;
  execFile(
    process.execPath,
    [script, plane.api.url, accessKeyId, secretAccessKey],
    { timeout: 20_000 },
    (error, stdout, stderr) => {
      ended = { code: error?.code ?? 0, output: stdout + stderr };
    },
  );
  // It cannot say when its subscription stands: what is reported before is heard by nobody.
  for (let count = 0; !ended; count += 1) {
    await plane.container.report({ id: 'vp-1', owner: OWNER, epoch: 0, status: 'AVAILABLE', reason: `${count}` });
  }
  expect([ended.code, ended.output.trim().split('\n')]).toEqual([
    0,
    [
      '{"getVirtualParticipant":{"__typename":"VirtualParticipant","id":"vp-1","status":"AVAILABLE"}}',
      '{"onVirtualParticipantChanged":{"id":"vp-1","status":"AVAILABLE","__typename":"VirtualParticipant"}}',
    ],
  ]);
});
