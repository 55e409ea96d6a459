import type { PageMessage, ServerMessage } from './protocol.ts';
import { MESSAGE_TYPES, ProtocolError, parsePageMessage, parseServerMessage, stringify } from './protocol.ts';

const SECRET = 'eyJhbGciOiJFUzM4NCJ9.c2VjcmV0.c2lnbmF0dXJl';
const timestamp = '2023-01-01T00:00:00.000Z';
const stats = { type: 'vp.stats', state: 'idle', participantId: null, frames: 0, bytes: 0, fps: 0, mediaTimeMs: 0 };

describe('the messages of the requirements, as they are written there', () => {
  it.each([
    '{ "type": "vp.ready" }',
    '{ "type": "vp.subscribe_vp" }',
    '{ "type": "vp.joined_stage", "stageArn": "STAGE_ARN", "participantId": "PARTICIPANT_ID" }',
    '{ "type": "vp.left_stage" }',
    '{ "type": "vp.error", "error": "ERROR_DESCRIPTION" }',
  ])('the server understands %s', (data) => {
    expect(parsePageMessage(data)).toEqual(JSON.parse(data));
  });

  it.each(['{ "type": "vp.update", "status": "connected", "metadata": { "timestamp": "2023-01-01T00:00:00.000Z" } }'])(
    'the page understands %s',
    (data) => {
      expect(parseServerMessage(data)).toEqual(JSON.parse(data));
    },
  );
});

const EVERY_PAGE_MESSAGE: { [T in PageMessage['type']]: Required<Extract<PageMessage, { type: T }>> } = {
  'vp.ready': { type: 'vp.ready', epoch: 7, pageId: 'p1' },
  'vp.subscribe_vp': { type: 'vp.subscribe_vp', epoch: 7, pageId: 'p1' },
  'vp.joined_stage': { type: 'vp.joined_stage', stageArn: 'arn', participantId: 'id', epoch: 7, pageId: 'p1' },
  'vp.left_stage': {
    type: 'vp.left_stage',
    reason: 'KICKED',
    code: 'TOKEN_EXPIRED',
    category: 'stage',
    epoch: 7,
    pageId: 'p1',
  },
  'vp.error': {
    type: 'vp.error',
    error: 'The token has expired.',
    reason: 'TOKEN_EXPIRED',
    code: 'TOKEN_EXPIRED',
    category: 'stage',
    epoch: 7,
    pageId: 'p1',
  },
  'vp.published': { type: 'vp.published', epoch: 7, pageId: 'p1' },
  'vp.unpublished': { type: 'vp.unpublished', reason: 'NO_MEDIA', epoch: 7, pageId: 'p1' },
  'vp.stats': {
    type: 'vp.stats',
    state: 'failed',
    participantId: 'id',
    frames: 300,
    bytes: 1_000_000,
    fps: 29.97,
    mediaTimeMs: 10_000.5,
    loops: 1,
    rejoins: 2,
    source: 'capture',
    reason: 'TOKEN_EXPIRED',
    code: 'TOKEN_EXPIRED',
    error: 'The token has expired.',
    epoch: 7,
    pageId: 'p1',
  },
};

const EVERY_SERVER_MESSAGE: { [T in ServerMessage['type']]: Required<Extract<ServerMessage, { type: T }>> } = {
  'vp.update': {
    type: 'vp.update',
    status: 'invited',
    metadata: {
      timestamp,
      epoch: 7,
      reason: 'RECONNECTING',
      stageArn: 'arn',
      participantId: 'id',
      participantToken: SECRET,
      asset: { url: 'http://127.0.0.1:3000/assets/a.mp4', name: 'a.mp4', loop: false },
    },
    epoch: 7,
    pageId: 'p1',
  },
  error: { type: 'error', error: 'A message must be JSON.', code: 'NOT_JSON', epoch: 7, pageId: 'p1' },
};

describe('parse and stringify', () => {
  it.each(MESSAGE_TYPES.page)('a %s with every field it may have goes over the wire unchanged', (type) => {
    const message = EVERY_PAGE_MESSAGE[type];
    expect(parsePageMessage(stringify(message))).toEqual(message);
  });

  it.each(MESSAGE_TYPES.server)('a %s with every field it may have goes over the wire unchanged', (type) => {
    const message = EVERY_SERVER_MESSAGE[type];
    expect(parseServerMessage(stringify(message))).toEqual(message);
  });

  it('drops fields that are not known, at every depth', () => {
    expect(parsePageMessage('{"type":"vp.ready","mood":"fine"}')).toEqual({ type: 'vp.ready' });
    const update = {
      type: 'vp.update',
      status: 'invited',
      metadata: { timestamp, x: 1, asset: { url: 'u', name: 'n', y: 2 } },
    };
    expect(parseServerMessage(JSON.stringify(update))).toEqual({
      type: 'vp.update',
      status: 'invited',
      metadata: { timestamp, asset: { url: 'u', name: 'n', loop: true } },
    });
  });

  it('counts loops and rejoins that vp.stats does not tell as none', () => {
    expect(parsePageMessage(JSON.stringify(stats))).toEqual({ ...stats, loops: 0, rejoins: 0 });
  });
});

const PAGE_TYPES = MESSAGE_TYPES.page.join(', ');
const SERVER_TYPES = MESSAGE_TYPES.server.join(', ');
const STATES = 'idle, joining, joined, publishing, published, reconnecting, leaving, failed';
const STATUSES = 'available, invited, connected, published, kicked, errored, stopped';
const joined = { type: 'vp.joined_stage', stageArn: 'arn', participantId: 'id' };
const update = { type: 'vp.update', status: 'invited', metadata: { timestamp } };

describe.each([
  ['parsePageMessage', parsePageMessage, PAGE_TYPES],
  ['parseServerMessage', parseServerMessage, SERVER_TYPES],
] as const)('%s rejects', (_, parse, types) => {
  it.each([
    ['', 'NOT_JSON', 'A message must be JSON.'],
    [`{"type":"${SECRET}`, 'NOT_JSON', 'A message must be JSON.'],
    ['null', 'NOT_AN_OBJECT', 'A message must be a JSON object with a "type".'],
    ['[{"type":"vp.ready"}]', 'NOT_AN_OBJECT', 'A message must be a JSON object with a "type".'],
    [`"${SECRET}"`, 'NOT_AN_OBJECT', 'A message must be a JSON object with a "type".'],
    ['{}', 'INVALID_FIELD', 'The field "type" must be a string.'],
    ['{"type":7}', 'INVALID_FIELD', 'The field "type" must be a string.'],
    ['{"__proto__":{"type":"vp.ready"}}', 'INVALID_FIELD', 'The field "type" must be a string.'],
    ['{"type":"__proto__"}', 'UNKNOWN_TYPE', `The type is none of ${types}.`],
    [`{"type":"${SECRET}"}`, 'UNKNOWN_TYPE', `The type is none of ${types}.`],
  ])('%s', (data, code, message) => {
    expect(thrownBy(() => parse(data))).toEqual({ code, message });
  });
});

describe('parsePageMessage rejects', () => {
  it.each([
    [update, 'WRONG_DIRECTION', '"vp.update" is a message of the other side.'],
    [{ type: 'error', error: 'x' }, 'WRONG_DIRECTION', '"error" is a message of the other side.'],
    [{ type: 'vp.joined_stage' }, 'INVALID_FIELD', 'The field "stageArn" of vp.joined_stage is missing.'],
    [{ ...joined, stageArn: 7 }, 'INVALID_FIELD', 'The field "stageArn" of vp.joined_stage must be a string.'],
    [{ ...joined, stageArn: '' }, 'INVALID_FIELD', 'The field "stageArn" of vp.joined_stage must not be empty.'],
    [{ ...joined, epoch: -1 }, 'INVALID_FIELD', 'The field "epoch" of vp.joined_stage must be 0 or more.'],
    [{ ...joined, epoch: 1.5 }, 'INVALID_FIELD', 'The field "epoch" of vp.joined_stage must be a whole number.'],
    [{ ...joined, epoch: SECRET }, 'INVALID_FIELD', 'The field "epoch" of vp.joined_stage must be a number.'],
    [{ ...joined, pageId: '' }, 'INVALID_FIELD', 'The field "pageId" of vp.joined_stage must not be empty.'],
    [{ type: 'vp.error' }, 'INVALID_FIELD', 'The field "error" of vp.error is missing.'],
    [{ type: 'vp.unpublished' }, 'INVALID_FIELD', 'The field "reason" of vp.unpublished is missing.'],
    [{ ...stats, state: SECRET }, 'INVALID_FIELD', `The field "state" of vp.stats must be one of ${STATES}.`],
    [{ ...stats, frames: null }, 'INVALID_FIELD', 'The field "frames" of vp.stats must be a number.'],
    [{ ...stats, fps: -1 }, 'INVALID_FIELD', 'The field "fps" of vp.stats must be 0 or more.'],
    [{ ...stats, participantId: undefined }, 'INVALID_FIELD', 'The field "participantId" of vp.stats is missing.'],
  ])('%j', (message, code, text) => {
    expect(thrownBy(() => parsePageMessage(JSON.stringify(message)))).toEqual({ code, message: text });
  });

  it('a number too large to be one', () => {
    expect(thrownBy(() => parsePageMessage('{"type":"vp.ready","epoch":1e999}'))).toEqual({
      code: 'INVALID_FIELD',
      message: 'The field "epoch" of vp.ready must be finite.',
    });
  });

  it('a failure code that is none, naming those that are', () => {
    const { code, message } = thrownBy(() => parsePageMessage(`{"type":"vp.error","error":"x","code":"${SECRET}"}`));
    expect(code).toBe('INVALID_FIELD');
    expect(message).toMatch(/^The field "code" of vp\.error must be one of TOKEN_INVALID, [A-Z_, ]+, INTERNAL\.$/);
  });
});

describe('parseServerMessage rejects', () => {
  const asset = { url: 'u', name: 'n' };
  const withAsset = (value: unknown) => ({ ...update, metadata: { timestamp, asset: value } });

  it.each([
    [{ type: 'vp.ready' }, 'WRONG_DIRECTION', '"vp.ready" is a message of the other side.'],
    [{ ...update, status: 'INVITED' }, 'INVALID_FIELD', `The field "status" of vp.update must be one of ${STATUSES}.`],
    [{ ...update, metadata: SECRET }, 'INVALID_FIELD', 'The field "metadata" of vp.update must be an object.'],
    [{ ...update, metadata: {} }, 'INVALID_FIELD', 'The field "metadata.timestamp" of vp.update is missing.'],
    [
      { ...update, metadata: { timestamp: 'yesterday' } },
      'INVALID_FIELD',
      'The field "metadata.timestamp" of vp.update must be an ISO 8601 timestamp.',
    ],
    [
      withAsset({ ...asset, url: '' }),
      'INVALID_FIELD',
      'The field "metadata.asset.url" of vp.update must not be empty.',
    ],
    [withAsset({ url: 'u' }), 'INVALID_FIELD', 'The field "metadata.asset.name" of vp.update is missing.'],
    [
      withAsset({ ...asset, loop: 'no' }),
      'INVALID_FIELD',
      'The field "metadata.asset.loop" of vp.update must be a boolean.',
    ],
    [
      { type: 'error', error: 'x', code: SECRET },
      'INVALID_FIELD',
      'The field "code" of error must be one of NOT_JSON, NOT_AN_OBJECT, UNKNOWN_TYPE, WRONG_DIRECTION, INVALID_FIELD, RATE_LIMITED.',
    ],
  ])('%j', (message, code, text) => {
    expect(thrownBy(() => parseServerMessage(JSON.stringify(message)))).toEqual({ code, message: text });
  });
});

describe('the text of an error', () => {
  const secrets = [...MESSAGE_TYPES.page, ...MESSAGE_TYPES.server].flatMap((type) => {
    const fields = { ...EVERY_PAGE_MESSAGE, ...EVERY_SERVER_MESSAGE }[type];
    return Object.keys(fields).map((field) => ({ ...fields, [field]: [SECRET] }));
  });

  it.each(secrets)('never holds a value of the message: %j', (message) => {
    for (const parse of [parsePageMessage, parseServerMessage]) {
      expect(thrownBy(() => parse(JSON.stringify(message))).message).not.toContain(SECRET);
    }
  });
});

function thrownBy(call: () => unknown): { code: string; message: string } {
  try {
    call();
  } catch (error) {
    if (error instanceof ProtocolError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('Expected a ProtocolError, but nothing was thrown.');
}
