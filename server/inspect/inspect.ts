import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import type { InspectionEvent } from 'xstate';
import { inspectionOf, MAX_INSPECTION_LENGTH } from '../../machines/inspection.ts';
import { StartError } from '../errors.ts';
import { checkHandshake } from '../websocket/handshake.ts';
import { parseInspection } from './parse.ts';
import { type InspectionSource, InspectionStream } from './stream.ts';

export interface InspectOptions {
  /** On 127.0.0.1; 0: any free one. */
  port: number;
  /** What the page offers as its WebSocket subprotocol. Default: none, and any client that is let in may tell. */
  secret?: string;
  /** Takes what is worth a line of a log. */
  log?: (level: 'info' | 'warn', message: string, fields: Readonly<Record<string, string | number>>) => void;
}

/** The inspection events of this process and its page, as one stream for the clients of `@statelyai/inspect`. */
export interface Inspect {
  /** `ws://127.0.0.1:3002` */
  readonly url: string;
  /** What `createActor` takes as `inspect`, for the actors of this process. */
  inspect(event: InspectionEvent): void;
  /** Says goodbye to every client; resolves within a second. May be called again. */
  close(): Promise<void>;
}

/** A receiver that is so many bytes behind is cut off: more than all that is told to a new one. */
const MAX_BUFFERED_BYTES = 8_388_608;
/** For a client to answer that it was closed, before its socket is cut off. */
const CLOSE_TIMEOUT_MS = 500;
/** In UTF-8 a unit of UTF-16 takes up to 3 bytes. */
const MAX_MESSAGE_BYTES = 3 * MAX_INSPECTION_LENGTH;

const GOING_AWAY = 1001;
const NOT_UNDERSTOOD = 1003;
const NOT_ALLOWED = 1008;

const LOOPBACK_ORIGIN = /^https?:\/\/(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/**
 * Serves the inspection events on loopback. Whoever connects is told the present states, then what happens, without
 * tokens and other secrets; a client that tells events itself is a page, and its actors join the stream.
 *
 * @throws {StartError} if the port is taken; it names the port and the setting.
 */
export async function startInspect({ port, secret, log = () => {} }: InspectOptions): Promise<Inspect> {
  const stream = new InspectionStream();
  const own = stream.source('participant');
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES });
  let pages = 0;

  const http = createServer((_, response) => {
    response.writeHead(426, { 'content-type': 'text/plain', connection: 'close' });
    response.end('This is a WebSocket of inspection events. Look at it by: npx tsx server/inspect/tail.ts\n');
  });
  http.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    const { origin = '' } = request.headers;
    const origins = LOOPBACK_ORIGIN.test(origin) ? [origin] : [];
    const rules = { origins, allowNoOrigin: true, ...(secret !== undefined && { secret }) };
    const handshake = checkHandshake(request.headers, rules);
    if (handshake.refusal !== null) {
      log('warn', 'A client of the inspection port was refused.', { reason: handshake.refusal });
      socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => accept(client, handshake.mayBePage));
  });

  function accept(client: WebSocket, mayTell: boolean): void {
    let page: InspectionSource | null = null;
    const unsubscribe = stream.subscribe((text) => {
      if (client.readyState !== WebSocket.OPEN) return;
      if (client.bufferedAmount <= MAX_BUFFERED_BYTES) return client.send(text);
      log('warn', 'A receiver of inspection events is too slow, and was cut off.', { bytes: client.bufferedAmount });
      client.terminate();
    });
    client.on('message', (data, isBinary) => {
      if (!mayTell) return client.close(NOT_ALLOWED, 'Only the page may tell of its actors.');
      const inspection = isBinary ? null : parseInspection(String(data));
      if (inspection === null) return client.close(NOT_UNDERSTOOD, 'This is no inspection event.');
      unsubscribe();
      if (page === null) {
        pages += 1;
        page = stream.source(`session-${pages}`);
      }
      page.take(inspection);
    });
    // `ws` closes a connection that broke its rules, with the code that says so.
    client.on('error', () => {});
    client.on('close', () => {
      unsubscribe();
      page?.end();
    });
  }

  await new Promise<void>((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? portTaken(port, error) : error),
    );
    http.listen(port, '127.0.0.1', resolve);
  });
  const closed = new Promise<void>((resolve) => http.once('close', () => resolve()));

  return {
    url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}`,
    inspect(event) {
      const inspection = inspectionOf(event);
      if (inspection !== null) own.take(inspection);
    },
    close() {
      stream.flush();
      http.close();
      for (const client of sockets.clients) {
        client.close(GOING_AWAY, 'The server is shutting down.');
        setTimeout(() => client.terminate(), CLOSE_TIMEOUT_MS).unref();
      }
      return closed;
    },
  };
}

function portTaken(port: number, cause: Error): StartError {
  return new StartError(
    `Port ${port} of 127.0.0.1 is taken. Stop what uses it, or set INSPECT_PORT to another one (0: any free one).`,
    { cause },
  );
}
