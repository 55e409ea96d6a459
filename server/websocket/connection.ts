import type { CloseCode, ProtocolErrorCode } from '../../machines/protocol.ts';

/** Why the server closes a connection: a name of {@link CloseCode}. */
export type CloseReason = keyof typeof CloseCode;

/** A WebSocket to one client, as far as the API needs it. */
export interface Connection {
  send(data: string): void;
  /** May be called again; nothing that comes after it is looked at. */
  close(reason: CloseReason): void;
}

/** What a connection tells of itself. */
export interface ConnectionEvents {
  /** A message, in the order of arrival. `null`: a binary one, which no message of the protocol is. */
  onMessage(data: string | null): void;
  /** The connection is gone, whoever ended it. */
  onClosed(): void;
}

/** Why a client was not let in: see `checkHandshake`. */
export type Refusal = 'HOST' | 'ORIGIN' | 'SECRET';

/**
 * Why a message that was understood was left out: it came from a client that is not the admitted page, from another
 * page than the connection's, or speaks of another invite than the present one.
 */
export type DropReason = 'NOT_ADMITTED' | 'OTHER_PAGE' | 'OTHER_EPOCH';

/** What was counted since the start. */
export interface WebSocketCounters {
  accepted: number;
  refused: Record<Refusal, number>;
  /** Messages answered with an `error`, by its code. */
  errors: Record<ProtocolErrorCode, number>;
  dropped: Record<DropReason, number>;
  /** `NOT_ALIVE`: no answer to a ping; `BY_CLIENT`: the client closed, or its socket broke. */
  closed: Record<CloseReason | 'NOT_ALIVE' | 'BY_CLIENT', number>;
}

export function newCounters(): WebSocketCounters {
  return {
    accepted: 0,
    refused: { HOST: 0, ORIGIN: 0, SECRET: 0 },
    errors: { NOT_JSON: 0, NOT_AN_OBJECT: 0, UNKNOWN_TYPE: 0, WRONG_DIRECTION: 0, INVALID_FIELD: 0, RATE_LIMITED: 0 },
    dropped: { NOT_ADMITTED: 0, OTHER_PAGE: 0, OTHER_EPOCH: 0 },
    closed: {
      GOING_AWAY: 0,
      MESSAGE_TOO_BIG: 0,
      REPLACED: 0,
      TOO_MANY_MESSAGES: 0,
      NOT_ALIVE: 0,
      BY_CLIENT: 0,
    },
  };
}

/** Takes what is worth a line of a log. Texts of the page come as it sent them: the log is to blank tokens in them. */
export type WebSocketLog = (
  level: 'debug' | 'info' | 'warn',
  message: string,
  fields: Readonly<Record<string, string | number>>,
) => void;
