import type { WebSocket } from 'ws';
import { CloseCode, LIMITS } from '../../machines/protocol.ts';
import type { CloseReason, Connection, WebSocketCounters } from './connection.ts';

/** For a client to answer that it was closed, before its socket is cut off. */
const CLOSE_TIMEOUT_MS = 500;

const SENTENCES: Record<CloseReason, string> = {
  GOING_AWAY: 'The server is shutting down.',
  MESSAGE_TOO_BIG: `A message is longer than ${LIMITS.maxMessageBytes} bytes.`,
  REPLACED: 'Another page took the place of this one.',
  TOO_MANY_MESSAGES: `There are far more than ${LIMITS.maxMessagesPerSecond} messages in a second.`,
};

/** A WebSocket of `ws` as a {@link Connection}. */
export class WsConnection implements Connection {
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>;
  readonly #socket: WebSocket;
  #endedBy: keyof WebSocketCounters['closed'] = 'BY_CLIENT';
  #hasAnswered = true;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => socket.on('close', () => resolve()));
    socket.on('pong', () => {
      this.#hasAnswered = true;
    });
    // Before it tells of a message that is too long, or breaks the WebSocket protocol, `ws` has sent the close code.
    socket.on('error', (error: Error & { code?: string }) => {
      if (error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') this.#endedBy = 'MESSAGE_TOO_BIG';
      this.#cutOffLater();
    });
  }

  /** Who ended the connection, once it has ended. */
  get endedBy(): keyof WebSocketCounters['closed'] {
    return this.#endedBy;
  }

  send(data: string): void {
    this.#socket.send(data);
  }

  close(reason: CloseReason): void {
    this.#endedBy = reason;
    this.#socket.close(CloseCode[reason], SENTENCES[reason]);
    this.#cutOffLater();
  }

  /** Asks the client for a sign of life; cuts it off when it gave none since it was asked last. */
  ping(): void {
    if (this.#hasAnswered) {
      this.#hasAnswered = false;
      this.#socket.ping();
    } else {
      this.#endedBy = 'NOT_ALIVE';
      this.#socket.terminate();
    }
  }

  #cutOffLater(): void {
    setTimeout(() => this.#socket.terminate(), CLOSE_TIMEOUT_MS).unref();
  }
}
