import ts from 'typescript';
import type { Failure } from '../../machines/failures.ts';
import type { StageEvent } from '../../machines/session.ts';
import { ERROR_CODES, errorCodeName, LEFT_REASONS, stageEventOf } from './policy.ts';
import type { StageNews } from './stage-port.ts';

const caller = { origin: 'caller', retryable: false } as const;
const FAILURES = {
  TOKEN_INVALID: {
    code: 'TOKEN_INVALID',
    ...caller,
    message: 'The participant token is not one that IVS understands. Was it copied whole?',
  },
  TOKEN_EXPIRED: {
    code: 'TOKEN_EXPIRED',
    ...caller,
    message: 'The participant token has expired. Make a new one.',
  },
  TOKEN_NOT_ALLOWED: {
    code: 'TOKEN_NOT_ALLOWED',
    ...caller,
    message: 'The participant token does not allow this. Make one with the PUBLISH capability.',
  },
  TOKEN_REUSED: {
    code: 'TOKEN_REUSED',
    origin: 'caller',
    retryable: true,
    message: 'The same participant token was used to join from elsewhere. Make one token for each participant.',
  },
  STAGE_AT_CAPACITY: {
    code: 'STAGE_AT_CAPACITY',
    origin: 'stage',
    retryable: true,
    message: 'The stage has as many participants or publishers as it can hold.',
  },
  CODEC_MISMATCH: {
    code: 'CODEC_MISMATCH',
    origin: 'participant',
    retryable: false,
    message: 'The stage takes no video codec that this browser can encode.',
  },
  EXCHANGE_INVALID: {
    code: 'TOKEN_EXCHANGE_FAILED',
    origin: 'stage',
    retryable: true,
    message: 'The new participant token does not fit the one in use.',
  },
  EXCHANGE_REFUSED: {
    code: 'TOKEN_EXCHANGE_FAILED',
    origin: 'stage',
    retryable: true,
    message: 'IVS refused the new participant token.',
  },
} as const satisfies Record<string, Failure>;

const failed = (name: keyof typeof FAILURES): StageEvent => ({ type: 'stage.failed', failure: FAILURES[name] });
const lost = (reason: string): StageEvent => ({ type: 'stage.lost', reason });
const stopped = (reason: string): StageEvent => ({ type: 'media.stopped', reason });
const removed = (reason: 'PARTICIPANT_DISCONNECTED' | 'STAGE_DELETED'): StageEvent => ({
  type: 'stage.removed',
  reason,
});

type Category = Extract<StageNews, { type: 'error' }>['category'];
const error = (code: number, category: Category): StageNews => ({
  type: 'error',
  code,
  category,
  message: 'as it was',
});

describe('an error of the SDK', () => {
  it.each<[name: keyof typeof ERROR_CODES, code: number, onJoin: StageEvent, onPublish: StageEvent | null]>([
    ['TOKEN_MALFORMED', 1, failed('TOKEN_INVALID'), failed('TOKEN_INVALID')],
    ['TOKEN_EXPIRED', 2, failed('TOKEN_EXPIRED'), failed('TOKEN_EXPIRED')],
    ['TIMEOUT', 3, lost('TIMEOUT'), null],
    ['FAILED', 4, lost('FAILED'), null],
    ['CANCELED', 5, lost('CANCELED'), null],
    ['STAGE_AT_CAPACITY', 6, failed('STAGE_AT_CAPACITY'), failed('STAGE_AT_CAPACITY')],
    ['CODEC_MISMATCH', 7, failed('CODEC_MISMATCH'), failed('CODEC_MISMATCH')],
    ['TOKEN_NOT_ALLOWED', 8, failed('TOKEN_NOT_ALLOWED'), failed('TOKEN_NOT_ALLOWED')],
    ['STAGE_DELETED', 9, removed('STAGE_DELETED'), removed('STAGE_DELETED')],
    ['PARTICIPANT_DISCONNECTED', 10, removed('PARTICIPANT_DISCONNECTED'), removed('PARTICIPANT_DISCONNECTED')],
    ['TOKEN_EXCHANGE_REQUEST_INVALID', 11, failed('EXCHANGE_INVALID'), failed('EXCHANGE_INVALID')],
    ['TOKEN_EXCHANGE_FAILED', 12, failed('EXCHANGE_REFUSED'), failed('EXCHANGE_REFUSED')],
  ])('%s (%i) has one answer for joining, one for publishing and none for subscribing', (name, code, ...expected) => {
    const [onJoin, onPublish] = expected;
    expect({
      name: errorCodeName(code),
      JOIN_ERROR: stageEventOf(error(code, 'JOIN_ERROR')),
      PUBLISH_ERROR: stageEventOf(error(code, 'PUBLISH_ERROR')),
      SUBSCRIBE_ERROR: stageEventOf(error(code, 'SUBSCRIBE_ERROR')),
    }).toEqual({ name, JOIN_ERROR: onJoin, PUBLISH_ERROR: onPublish, SUBSCRIBE_ERROR: null });
  });

  it.each([0, 13, -1, 1_000])('with the unknown code %i is tried again', (code) => {
    expect({
      JOIN_ERROR: stageEventOf(error(code, 'JOIN_ERROR')),
      PUBLISH_ERROR: stageEventOf(error(code, 'PUBLISH_ERROR')),
      SUBSCRIBE_ERROR: stageEventOf(error(code, 'SUBSCRIBE_ERROR')),
    }).toEqual({
      JOIN_ERROR: lost(`CODE_${code}`),
      PUBLISH_ERROR: stopped(`CODE_${code}`),
      SUBSCRIBE_ERROR: null,
    });
  });
});

describe('leaving the stage', () => {
  it.each<[keyof typeof LEFT_REASONS, StageEvent]>([
    ['unknown', lost('unknown')],
    ['user-initiated', { type: 'stage.left' }],
    ['token-reused', failed('TOKEN_REUSED')],
    ['participant-disconnected', removed('PARTICIPANT_DISCONNECTED')],
    ['stage-deleted', removed('STAGE_DELETED')],
    ['failed-exchange', failed('EXCHANGE_REFUSED')],
    ['real-time-connection-forced-leave', lost('real-time-connection-forced-leave')],
    ['real-time-connection-token-revocation', lost('real-time-connection-token-revocation')],
  ])('for the reason %s has one answer', (reason, expected) => {
    expect(stageEventOf({ type: 'left', reason })).toEqual(expected);
  });

  it.each(['maintenance', ''])('for the unknown reason %j joins again', (reason) => {
    expect(stageEventOf({ type: 'left', reason: reason as keyof typeof LEFT_REASONS })).toEqual(lost(reason));
  });
});

describe('a publish state', () => {
  it.each<[Extract<StageNews, { type: 'publishState' }>['state'], StageEvent | null]>([
    ['not_published', null],
    ['attempting_publish', null],
    ['published', null],
    ['errored', stopped('PUBLISH_ERRORED')],
  ])('of %s has one answer', (state, expected) => {
    expect(stageEventOf({ type: 'publishState', state })).toEqual(expected);
  });
});

describe('the tables, held against the type declarations of the SDK', () => {
  const sdk = new URL(
    '../../node_modules/amazon-ivs-web-broadcast/dist/amazon-ivs-web-broadcast.d.ts',
    import.meta.url,
  );
  const declarations = ts.sys.readFile(decodeURIComponent(sdk.pathname)) ?? '';

  const file = ts.createSourceFile(sdk.pathname, declarations, ts.ScriptTarget.Latest);

  function enumOf(name: string): Record<string, unknown> {
    const found = file.statements.filter(ts.isEnumDeclaration).find((statement) => statement.name.text === name);
    if (found === undefined) throw new Error(`The SDK declares no enum "${name}".`);
    return Object.fromEntries(
      found.members.map((member) => [
        member.name.getText(file),
        JSON.parse(member.initializer?.getText(file) ?? 'null'),
      ]),
    );
  }

  it('have every StageErrorCode by its name and number', () => {
    const codes = Object.fromEntries(Object.entries(ERROR_CODES).map(([name, { code }]) => [name, code]));
    expect(codes).toEqual(enumOf('StageErrorCode'));
  });

  it('have every StageLeftReason', () => {
    expect(Object.keys(LEFT_REASONS).sort()).toEqual(Object.values(enumOf('StageLeftReason')).sort());
  });
});
