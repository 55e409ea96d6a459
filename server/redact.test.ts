import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { redact, redactText } from './redact.ts';

/** Put together here so that nothing that looks like a secret stands in the repository. */
const JWT = ['eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9', 'eyJleHAiOjE3MDAwMDAwMDB9', 'c2lnbmF0dXJl-_'.repeat(8)].join('.');
const PEM = generateKeyPairSync('ec', { namedCurve: 'P-384' })
  .privateKey.export({ type: 'sec1', format: 'pem' })
  .toString();
const API_KEY = `da2-${'abcdefgh23456789'.repeat(2)}`;

describe('redactText', () => {
  it.each([
    ['a token', JWT, '[redacted]'],
    ['a token in a sentence', `Token ${JWT}, expired`, 'Token [redacted], expired'],
    ['two tokens', `${JWT} ${JWT}`, '[redacted] [redacted]'],
    ['a token that was cut off in its header', JWT.slice(0, 30), '[redacted]'],
    ['a token that was cut off in its claims', `${JWT.slice(0, 50)}…`, '[redacted]…'],
    ['a token right behind a word', `vp${JWT}`, 'vp[redacted]'],
    ['a token of another make', `x ${'Ab1_'.repeat(5)}.${'Cd2-'.repeat(9)}.${'Ef3x'.repeat(20)} y`, 'x [redacted] y'],
    [
      'a token in an address',
      `http://localhost:3000/?token=${JWT}&asset=a.mp4`,
      'http://localhost:3000/?token=[redacted]&asset=a.mp4',
    ],
    ['a token of no known shape in an address', '/?token=opaque123&asset=a.mp4', '/?token=[redacted]&asset=a.mp4'],
    [
      'the header of the real-time API',
      `wss://x/graphql?header=${btoa('{"host":"a","x-api-key":"b"}')}&payload=e30=`,
      'wss://x/graphql?header=[redacted]&payload=e30=',
    ],
    ['an API key', `key ${API_KEY}.`, 'key [redacted].'],
    ['a private key', `key:\n${PEM}end`, 'key:\n[redacted]\nend'],
    ['a private key that was cut off', PEM.slice(0, 80), '[redacted]'],
    ['a private key in JSON', JSON.stringify({ a: PEM }), '{"a":"[redacted]\\n"}'],
    ['a header', 'Authorization: Bearer abc.def', 'Authorization: [redacted]'],
    [
      'a header of signature version 4',
      'authorization: AWS4-HMAC-SHA256 Credential=AKIA/2024, Signature=abc',
      'authorization: [redacted] Credential=[redacted] Signature=[redacted]',
    ],
    ['a bearer alone', 'sent Bearer abcdefgh12345', 'sent Bearer [redacted]'],
    ['JSON', '{"participantToken":"opaque","epoch":1}', '{"participantToken":"[redacted]","epoch":1}'],
    ['JSON inside JSON', '"{\\"token\\": \\"opaque\\"}"', '"{\\"token\\": \\"[redacted]\\"}"'],
    [
      'an environment',
      'GRAPHQL_API_KEY=abc AWS_SECRET_ACCESS_KEY=def',
      'GRAPHQL_API_KEY=[redacted] AWS_SECRET_ACCESS_KEY=[redacted]',
    ],
    ['an address with a user', 'proxy http://ada:pass@proxy:8080', 'proxy http://[redacted]@proxy:8080'],
  ])('blanks %s', (_, text, safe) => {
    expect(redactText(text)).toBe(safe);
  });

  it.each([
    'The token: expected one of the stage’s.',
    'arn:aws:ivs:us-west-2:123456789012:stage/abcdEFGH1234',
    '{"clientToken":"8f7c","nextToken":"b64","epoch":3}',
    'https://abcdefghijklmnopqrstuvwxyz.appsync-api.eu-central-1.amazonaws.com/graphql',
    'AccessDeniedException: User arn:aws:sts::123456789012:assumed-role/vp/i is not authorized',
    'Port 3000 is taken.',
  ])('leaves "%s" as it is', (text) => {
    expect(redactText(text)).toBe(text);
  });

  it('takes no longer for a long text than reading it does', () => {
    const text = `${'x'.repeat(200_000)} ${'eyJ'.repeat(50_000)} ${'token '.repeat(20_000)} ${'a-'.repeat(100_000)}`;
    const startMs = performance.now();
    redactText(text);
    expect(performance.now() - startMs).toBeLessThan(500);
  });
});

describe('redact', () => {
  it('blanks fields that are named like secrets, at any depth and in any spelling, and keeps the others', () => {
    const value = {
      epoch: 3,
      invite: { stageArn: 'arn', preparation: { participantToken: 'opaque', participantId: 'p1' } },
      headers: {
        Authorization: 'a',
        'x-api-key': 'b',
        'X-Amz-Security-Token': 'c',
        'sec-websocket-protocol': 'd',
        host: 'e',
      },
      list: [{ STAGE_PRIVATE_KEY: 'f' }, { secretAccessKey: 'g', accessKeyId: 'h' }, { credentials: { any: 'i' } }],
      clientToken: 'kept',
      tokens: 2,
      token: null,
      hasToken: true,
    };
    expect(redact(value)).toEqual({
      epoch: 3,
      invite: { stageArn: 'arn', preparation: { participantToken: '[redacted]', participantId: 'p1' } },
      headers: {
        Authorization: '[redacted]',
        'x-api-key': '[redacted]',
        'X-Amz-Security-Token': '[redacted]',
        'sec-websocket-protocol': '[redacted]',
        host: 'e',
      },
      list: [
        { STAGE_PRIVATE_KEY: '[redacted]' },
        { secretAccessKey: '[redacted]', accessKeyId: '[redacted]' },
        { credentials: '[redacted]' },
      ],
      clientToken: 'kept',
      tokens: 2,
      token: null,
      hasToken: true,
    });
  });

  it('does not change what it is given', () => {
    const value = { token: 'a', list: [JWT] };
    redact(value);
    expect(value).toEqual({ token: 'a', list: [JWT] });
  });

  it('keeps type, message, stack, code and causes of an error, without their secrets', () => {
    const cause = Object.assign(new TypeError(`refused ${JWT}`), { code: 'ERR', request: { authorization: 'x' } });
    const error = new Error(`failed ?token=${JWT}`, { cause });
    error.stack = `Error: ${JWT}\n    at a.ts:1:1`;
    cause.stack = 'TypeError\n    at b.ts:1:1';
    expect(redact({ error })).toEqual({
      error: {
        type: 'Error',
        message: 'failed ?token=[redacted]',
        stack: 'Error: [redacted]\n    at a.ts:1:1',
        cause: {
          type: 'TypeError',
          message: 'refused [redacted]',
          stack: 'TypeError\n    at b.ts:1:1',
          code: 'ERR',
          request: { authorization: '[redacted]' },
        },
      },
    });
  });

  it('makes JSON of what is none', () => {
    const circular: Record<string, unknown> = { name: 'a' };
    circular['self'] = circular;
    const unreadable = Object.defineProperty({}, 'a', {
      enumerable: true,
      get() {
        throw new Error('no');
      },
    });
    const deep = Array.from({ length: 20 }).reduce<unknown>((inner) => [inner], 'bottom');
    const value = {
      circular,
      unreadable,
      deep,
      map: new Map([
        ['token', 'a'],
        ['b', 'c'],
      ]),
      set: new Set([JWT]),
      date: new Date(0),
      url: new URL(`http://a/?token=b&c=d`),
      bytes: new Uint8Array(3),
      big: 1n,
      keyObject: createSecretKey(Buffer.from('secret')),
      run: () => 1,
      [JWT]: 'as a key',
    };
    expect(JSON.parse(JSON.stringify(redact(value)))).toEqual({
      circular: { name: 'a', self: '[circular]' },
      unreadable: '[unreadable]',
      deep: [[[[[[[[[[['[deeper]']]]]]]]]]]],
      map: { token: '[redacted]', b: 'c' },
      set: ['[redacted]'],
      date: '1970-01-01T00:00:00.000Z',
      url: 'http://a/?token=[redacted]&c=d',
      bytes: '[3 bytes]',
      big: '1',
      keyObject: {},
      '[redacted]': 'as a key',
    });
  });
});
