import * as v from 'valibot';
import type { FailureCode } from './failures.ts';
import { FAILURES } from './failures.ts';
import type { VpStatusOnWire } from './status.ts';

/** Limits of the WebSocket between server and page. */
export const LIMITS = {
  /** A longer message closes the connection with {@link CloseCode}.MESSAGE_TOO_BIG. */
  maxMessageBytes: 65_536,
  maxMessagesPerSecond: 100,
  /** So many messages above the rate are answered with RATE_LIMITED, then the connection is closed. */
  rateErrorsBeforeClose: 20,
  /** The page sends `vp.stats` so often; whatever else was lost is healed by it. */
  statsIntervalMs: 2_000,
} as const;

/** Why the server closes a WebSocket. */
export const CloseCode = {
  /** The server is shutting down. */
  GOING_AWAY: 1001,
  MESSAGE_TOO_BIG: 1009,
  /** A newer page took this page's place. */
  REPLACED: 4409,
  TOO_MANY_MESSAGES: 4429,
} as const;

/** The `code` of an `error` message: what was wrong with a message that was received. */
export const PROTOCOL_ERROR_CODES = [
  'NOT_JSON',
  'NOT_AN_OBJECT',
  'UNKNOWN_TYPE',
  'WRONG_DIRECTION',
  'INVALID_FIELD',
  'RATE_LIMITED',
] as const;
export type ProtocolErrorCode = (typeof PROTOCOL_ERROR_CODES)[number];

/** The states of the page's session machine, as `vp.stats` tells them. */
export const SESSION_STATES = [
  'idle',
  'joining',
  'joined',
  'publishing',
  'published',
  'reconnecting',
  'leaving',
  'failed',
] as const;
export type SessionState = (typeof SESSION_STATES)[number];

/** Why IVS takes a participant off a stage, as the `reason` of a session that ended so. */
export const REMOVALS = ['PARTICIPANT_DISCONNECTED', 'STAGE_DELETED'] as const;

const WIRE_STATUSES = [
  'available',
  'invited',
  'connected',
  'published',
  'kicked',
  'errored',
  'stopped',
] as const satisfies readonly VpStatusOnWire[];

const FAILURE_CODES = Object.keys(FAILURES) as [FailureCode, ...FailureCode[]];

const text = v.pipe(v.string(), v.nonEmpty('must not be empty'));
const count = v.pipe(v.number(), v.finite('must be finite'), v.minValue(0, 'must be 0 or more'));
const epoch = v.pipe(count, v.integer('must be a whole number'));

/** `epoch`: the invite that a message speaks of; `pageId`: the page load. Absent means the present one. */
const envelope = { epoch: v.optional(epoch), pageId: v.optional(text) };

const asset = v.object({
  url: text,
  name: text,
  /** Default `true`. */
  loop: v.optional(v.boolean(), true),
});

const inviteMetadata = {
  stageArn: v.optional(text),
  participantId: v.optional(text),
  participantToken: v.optional(text),
  asset: v.optional(asset),
};

const serverMessages = {
  'vp.update': v.object({
    type: v.literal('vp.update'),
    status: v.picklist(WIRE_STATUSES),
    metadata: v.object({
      timestamp: v.pipe(v.string(), v.isoTimestamp('must be an ISO 8601 timestamp')),
      epoch: v.optional(epoch),
      reason: v.optional(text),
      ...inviteMetadata,
    }),
    ...envelope,
  }),
  error: v.object({
    type: v.literal('error'),
    error: text,
    code: v.picklist(PROTOCOL_ERROR_CODES),
    ...envelope,
  }),
} as const;

const cause = {
  reason: v.optional(text),
  code: v.optional(v.picklist(FAILURE_CODES)),
  category: v.optional(text),
};

const pageMessages = {
  'vp.ready': v.object({ type: v.literal('vp.ready'), ...envelope }),
  'vp.subscribe_vp': v.object({ type: v.literal('vp.subscribe_vp'), ...envelope }),
  'vp.joined_stage': v.object({
    type: v.literal('vp.joined_stage'),
    stageArn: text,
    participantId: text,
    ...envelope,
  }),
  'vp.left_stage': v.object({ type: v.literal('vp.left_stage'), ...cause, ...envelope }),
  'vp.error': v.object({ type: v.literal('vp.error'), error: text, ...cause, ...envelope }),
  'vp.published': v.object({ type: v.literal('vp.published'), ...envelope }),
  'vp.unpublished': v.object({ type: v.literal('vp.unpublished'), reason: text, ...envelope }),
  'vp.stats': v.object({
    type: v.literal('vp.stats'),
    state: v.picklist(SESSION_STATES),
    participantId: v.nullable(text),
    /** Video frames and bytes (audio and video) that left since the session began to publish. */
    frames: count,
    bytes: count,
    fps: count,
    /** Where in the asset the picture stands. */
    mediaTimeMs: count,
    loops: v.optional(count, 0),
    rejoins: v.optional(count, 0),
    /** What the source is: `capture` or `pattern`. */
    source: v.optional(text),
    /** Why the last session ended, and for a failed one its failure. */
    reason: v.optional(text),
    code: v.optional(v.picklist(FAILURE_CODES)),
    error: v.optional(text),
    ...envelope,
  }),
} as const;

type Messages<T extends Record<string, v.GenericSchema>> = { [K in keyof T]: v.InferOutput<T[K]> }[keyof T];

/** What the server sends to a page or another client. */
export type ServerMessage = Messages<typeof serverMessages>;
/** What the page, or a program in its place, sends to the server. */
export type PageMessage = Messages<typeof pageMessages>;
export type VpUpdate = v.InferOutput<(typeof serverMessages)['vp.update']>;
export type VpStats = v.InferOutput<(typeof pageMessages)['vp.stats']>;
export type Asset = v.InferOutput<typeof asset>;

/** The schema of every message, by who sends it. */
export const MESSAGE_SCHEMAS = { server: serverMessages, page: pageMessages } as const;

/** Every message type with who sends it. */
export const MESSAGE_TYPES = {
  server: Object.keys(serverMessages) as ServerMessage['type'][],
  page: Object.keys(pageMessages) as PageMessage['type'][],
};

/** A received message that cannot be understood. Its text names the field and what was expected, never a value. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * Reads a message that a page sent. Fields that are not known are dropped, so that a newer page can talk to an older
 * server.
 *
 * @throws {ProtocolError} if it is not JSON, not a message, or a field is missing or wrong.
 */
export function parsePageMessage(data: string): PageMessage {
  return parse(pageMessages, serverMessages, data) as PageMessage;
}

/**
 * Reads a message that the server sent, the mirror of {@link parsePageMessage}.
 *
 * @throws {ProtocolError} if it is not JSON, not a message, or a field is missing or wrong.
 */
export function parseServerMessage(data: string): ServerMessage {
  return parse(serverMessages, pageMessages, data) as ServerMessage;
}

/** Writes a message as it goes over the WebSocket. */
export function stringify(message: ServerMessage | PageMessage): string {
  return JSON.stringify(message);
}

type Schemas = Readonly<Record<string, v.GenericSchema>>;

function parse(expected: Schemas, opposite: Schemas, data: string): unknown {
  const value = parseJson(data);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ProtocolError('NOT_AN_OBJECT', 'A message must be a JSON object with a "type".');
  }
  const type = 'type' in value && typeof value.type === 'string' ? value.type : undefined;
  if (type === undefined) throw new ProtocolError('INVALID_FIELD', 'The field "type" must be a string.');
  if (!Object.hasOwn(expected, type)) {
    if (Object.hasOwn(opposite, type)) {
      throw new ProtocolError('WRONG_DIRECTION', `"${type}" is a message of the other side.`);
    }
    throw new ProtocolError('UNKNOWN_TYPE', `The type is none of ${Object.keys(expected).join(', ')}.`);
  }
  const result = v.safeParse(expected[type] as v.GenericSchema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw new ProtocolError('INVALID_FIELD', `The field "${v.getDotPath(issue)}" of ${type} ${expectation(issue)}.`);
}

function expectation({ kind, type, received, expected, message }: v.BaseIssue<unknown>): string {
  if (kind === 'validation') return message;
  if (received === 'undefined') return 'is missing';
  if (type === 'picklist') return `must be one of ${expected?.replace(/[()"]/g, '').replaceAll(' | ', ', ')}`;
  return `must be ${expected === 'Object' ? 'an object' : `a ${expected}`}`;
}

function parseJson(data: string): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw new ProtocolError('NOT_JSON', 'A message must be JSON.');
  }
}
