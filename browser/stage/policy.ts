import type { StageErrorCode, StageLeftReason } from 'amazon-ivs-web-broadcast';
import type { FailureCode } from '../../machines/failures.ts';
import { failure } from '../../machines/failures.ts';
import type { StageEvent } from '../../machines/session.ts';
import type { StageNews } from './stage-port.ts';

/** What is done about something the SDK tells. */
type Verdict =
  | { do: 'nothing' }
  /** The stage was left because the page left it. */
  | { do: 'note left' }
  /** The picture is gone, the stage is not. */
  | { do: 'publish again' }
  | { do: 'join again' }
  /** IVS took the participant off the stage; it must not come back. */
  | { do: 'end'; reason: 'PARTICIPANT_DISCONNECTED' | 'STAGE_DELETED' }
  | { do: 'fail'; code: FailureCode; message: string };

const nothing: Verdict = { do: 'nothing' };
const joinAgain: Verdict = { do: 'join again' };
const fail = (code: FailureCode, message: string): Verdict => ({ do: 'fail', code, message });

/** What is done when the stage was left, by the SDK's `StageLeftReason`. */
export const LEFT_REASONS = {
  unknown: joinAgain,
  'user-initiated': { do: 'note left' },
  'token-reused': fail(
    'TOKEN_REUSED',
    'The same participant token was used to join from elsewhere. Make one token for each participant.',
  ),
  'participant-disconnected': { do: 'end', reason: 'PARTICIPANT_DISCONNECTED' },
  'stage-deleted': { do: 'end', reason: 'STAGE_DELETED' },
  'failed-exchange': fail('TOKEN_EXCHANGE_FAILED', 'IVS refused the new participant token.'),
  'real-time-connection-forced-leave': joinAgain,
  'real-time-connection-token-revocation': joinAgain,
} as const satisfies Record<`${StageLeftReason}`, Verdict>;

type ErrorCodes = typeof StageErrorCode;

/**
 * What is done about an error, by the SDK's `StageErrorCode`. TIMEOUT, FAILED and CANCELED are deliberately tried again:
 * they also stand for a network that is away for a moment. Of publishing they say nothing new, since the publish state
 * `errored` comes with them: acted on twice, one failure would count as two, and the second publish cut off the first.
 */
export const ERROR_CODES = {
  TOKEN_MALFORMED: {
    code: 1,
    join: fail('TOKEN_INVALID', 'The participant token is not one that IVS understands. Was it copied whole?'),
  },
  TOKEN_EXPIRED: {
    code: 2,
    join: fail('TOKEN_EXPIRED', 'The participant token has expired. Make a new one.'),
  },
  TIMEOUT: { code: 3, join: joinAgain, publish: nothing },
  FAILED: { code: 4, join: joinAgain, publish: nothing },
  CANCELED: { code: 5, join: joinAgain, publish: nothing },
  STAGE_AT_CAPACITY: {
    code: 6,
    join: fail('STAGE_AT_CAPACITY', 'The stage has as many participants or publishers as it can hold.'),
  },
  CODEC_MISMATCH: {
    code: 7,
    join: fail('CODEC_MISMATCH', 'The stage takes no video codec that this browser can encode.'),
  },
  TOKEN_NOT_ALLOWED: {
    code: 8,
    join: fail('TOKEN_NOT_ALLOWED', 'The participant token does not allow this. Make one with the PUBLISH capability.'),
  },
  STAGE_DELETED: { code: 9, join: { do: 'end', reason: 'STAGE_DELETED' } },
  PARTICIPANT_DISCONNECTED: { code: 10, join: { do: 'end', reason: 'PARTICIPANT_DISCONNECTED' } },
  TOKEN_EXCHANGE_REQUEST_INVALID: {
    code: 11,
    join: fail('TOKEN_EXCHANGE_FAILED', 'The new participant token does not fit the one in use.'),
  },
  TOKEN_EXCHANGE_FAILED: {
    code: 12,
    join: fail('TOKEN_EXCHANGE_FAILED', 'IVS refused the new participant token.'),
  },
} as const satisfies {
  [Name in keyof ErrorCodes]: {
    code: `${ErrorCodes[Name]}` extends `${infer Value extends number}` ? Value : never;
    /** For an error of the connection to the stage. */
    join: Verdict;
    /** For an error of publishing. Default: what `join` says, but "publish again" in place of "join again". */
    publish?: Verdict;
  };
};

/** What the session machine is to be told about news from the SDK; `null`: nothing. */
export function stageEventOf(news: StageNews): StageEvent | null {
  switch (news.type) {
    case 'left':
      return eventOf(LEFT_REASONS[news.reason] ?? joinAgain, news.reason);
    case 'publishState':
      return news.state === 'errored' ? { type: 'media.stopped', reason: 'PUBLISH_ERRORED' } : null;
    case 'error':
      return errorEventOf(news);
  }
}

/** The name of the SDK's error code; a newer SDK may have codes that are not known here. */
export function errorCodeName(code: number): string {
  return entryOf(code)?.[0] ?? `CODE_${code}`;
}

function errorEventOf({ code, category }: Extract<StageNews, { type: 'error' }>): StageEvent | null {
  const entry: { join: Verdict; publish?: Verdict } = entryOf(code)?.[1] ?? { join: joinAgain };
  if (category === 'SUBSCRIBE_ERROR') return null;
  const reason = errorCodeName(code);
  if (category === 'JOIN_ERROR') return eventOf(entry.join, reason);
  const verdict = entry.join.do === 'join again' ? ({ do: 'publish again' } as const) : entry.join;
  return eventOf(entry.publish ?? verdict, reason);
}

function entryOf(code: number) {
  return Object.entries(ERROR_CODES).find(([, entry]) => entry.code === code);
}

function eventOf(verdict: Verdict, reason: string): StageEvent | null {
  switch (verdict.do) {
    case 'nothing':
      return null;
    case 'note left':
      return { type: 'stage.left' };
    case 'publish again':
      return { type: 'media.stopped', reason };
    case 'join again':
      return { type: 'stage.lost', reason };
    case 'end':
      return { type: 'stage.removed', reason: verdict.reason };
    case 'fail':
      return { type: 'stage.failed', failure: failure(verdict.code, verdict.message) };
  }
}
