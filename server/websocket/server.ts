import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { ParticipantActor } from '../../machines/participant.ts';
import { LIMITS, type VpStats } from '../../machines/protocol.ts';
import { StartError } from '../errors.ts';
import { newCounters, type Refusal, type WebSocketCounters, type WebSocketLog } from './connection.ts';
import { checkHandshake, type HandshakeRules } from './handshake.ts';
import { PAGE_GRACE_MS, PageLink } from './page-link.ts';
import { WsConnection } from './ws-connection.ts';

export interface WebSocketApiOptions extends HandshakeRules {
  /** A started actor. The API reads it and sends it events of the page; it does not stop it. */
  actor: ParticipantActor;
  /** On 127.0.0.1; 0: any free one. */
  port: number;
  log?: WebSocketLog;
  /** Takes the figures of the admitted page, about every two seconds. */
  onStats?: (stats: VpStats) => void;
  /** Default: {@link PAGE_GRACE_MS}. */
  pageGraceMs?: number;
  /** Default: {@link PING_INTERVAL_MS}. */
  pingIntervalMs?: number;
}

/** The WebSocket API of one virtual participant. */
export interface WebSocketApi {
  /** `ws://127.0.0.1:3001` */
  readonly url: string;
  readonly counters: Readonly<WebSocketCounters>;
  /** Clients that are connected. */
  connections(): number;
  /** Tells every client that the server goes away; resolves within a second, when all are gone. May be called again. */
  close(): Promise<void>;
}

/** A client that has not answered a ping when the next is due is cut off: half-open sockets last twice this at most. */
export const PING_INTERVAL_MS = 5_000;

const REFUSALS: Record<Refusal, string> = {
  HOST: 'The Host must be localhost, 127.0.0.1 or [::1].',
  ORIGIN: 'This Origin is not the page of this virtual participant.',
  SECRET: 'The subprotocol is not the secret of the page.',
};

/**
 * Serves the WebSocket API on loopback.
 *
 * @throws {StartError} if the port is taken; it names the port and the setting.
 */
export async function serveWebSocketApi(options: WebSocketApiOptions): Promise<WebSocketApi> {
  const {
    actor,
    port,
    log = () => {},
    onStats,
    pageGraceMs = PAGE_GRACE_MS,
    pingIntervalMs = PING_INTERVAL_MS,
  } = options;
  const counters = newCounters();
  const link = new PageLink({ actor, counters, log, onStats, pageGraceMs });
  const sockets = new WebSocketServer({ noServer: true, maxPayload: LIMITS.maxMessageBytes });
  const connections = new Set<WsConnection>();

  const http = createServer((_, response) => {
    response.writeHead(426, { 'content-type': 'text/plain', connection: 'close' });
    response.end('This is a WebSocket server.\n');
  });
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const handshake = checkHandshake(request.headers, options);
    if (handshake.refusal !== null) {
      counters.refused[handshake.refusal] += 1;
      log('warn', 'A client was refused.', { reason: handshake.refusal });
      return refuse(socket, REFUSALS[handshake.refusal]);
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => accept(webSocket, handshake.mayBePage));
  });

  function accept(webSocket: WebSocket, mayBePage: boolean): void {
    counters.accepted += 1;
    const connection = new WsConnection(webSocket);
    connections.add(connection);
    const { onMessage, onClosed } = link.connect(connection, mayBePage);
    webSocket.on('message', (data, isBinary) => onMessage(isBinary ? null : String(data)));
    webSocket.on('close', () => {
      connections.delete(connection);
      counters.closed[connection.endedBy] += 1;
      onClosed();
    });
  }

  const pinging = setInterval(() => {
    for (const connection of connections) connection.ping();
  }, pingIntervalMs);

  await new Promise<void>((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => {
      clearInterval(pinging);
      link.close();
      reject(error.code === 'EADDRINUSE' ? portTaken(port, error) : error);
    });
    http.listen(port, '127.0.0.1', resolve);
  });
  const closed = new Promise<void>((resolve) => http.once('close', () => resolve()));

  return {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    counters,
    connections: () => connections.size,
    async close() {
      clearInterval(pinging);
      link.close();
      http.close();
      http.closeAllConnections();
      await Promise.all([closed, ...[...connections].map((connection) => connection.closed)]);
    },
  };
}

function refuse(socket: Duplex, why: string): void {
  const body = `${why}\n`;
  socket.end(
    [
      'HTTP/1.1 403 Forbidden',
      'content-type: text/plain',
      'connection: close',
      `content-length: ${Buffer.byteLength(body)}`,
      '',
      body,
    ].join('\r\n'),
  );
}

function portTaken(port: number, cause: Error): StartError {
  return new StartError(
    `WEBSOCKET_PORT: port ${port} of 127.0.0.1 is taken. Stop what uses it, or choose another one (0: any free one).`,
    { cause },
  );
}
