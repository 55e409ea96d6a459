import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import dynalite from 'dynalite';
import { type WebSocket, WebSocketServer } from 'ws';
import { type Callers, unauthorized } from './auth/authenticate.ts';
import type { Credentials } from './auth/sigv4.ts';
import { createDynamoDbSource } from './dynamodb/source.ts';
import { createClient, createTables } from './dynamodb/tables.ts';
import { createExecutor, type Executor } from './graphql/execute.ts';
import { readSchema } from './graphql/schema.ts';
import { MOST_BODY_BYTES, serveHttp } from './http.ts';
import { createHub } from './realtime/hub.ts';
import { refuseHandshake, serveSocket } from './realtime/socket.ts';
import { createResolve } from './resolve.ts';

export const DEFAULT_PORT = 4_000;
/** The key that is admitted unless the options name another; no secret, as all of this is on loopback. */
export const DEFAULT_API_KEY = 'da2-local';
/** The IAM credentials that are admitted unless the options name others. */
export const DEFAULT_CREDENTIALS: Credentials = { accessKeyId: 'local', secretAccessKey: 'local' };

const HOST = '127.0.0.1';

export interface AppSyncOptions {
  /** 0: any free one. Default: {@link DEFAULT_PORT}. */
  port?: number;
  /** Default: {@link DEFAULT_API_KEY}. */
  apiKey?: string;
  /** Default: {@link DEFAULT_CREDENTIALS}. */
  credentials?: Credentials;
  /** Where DynamoDB is, as a URL. Default: `AWS_ENDPOINT_URL_DYNAMODB`, or else a dynalite of its own, in memory. */
  dynamoDbUrl?: string;
  /** How often a connection hears `ka`, in milliseconds. Default: 60 s. */
  keepAliveMs?: number;
  /** The clock of the resolvers, milliseconds since 1970. Signatures are held against the system's. Default: that. */
  now?: () => number;
  /** Takes a line per thing that went wrong inside. Default: none. */
  log?: (line: string) => void;
}

/** A running local AppSync, with the ways in which tests make it fail. */
export interface AppSyncServer {
  /** For `GRAPHQL_API_URL`. */
  readonly url: string;
  readonly realtimeUrl: string;
  /** How many real-time connections are open. */
  connectionCount(): number;
  /** Stops listening and cuts every connection; what is stored stays. */
  goDown(): Promise<void>;
  /** Listens again, on the same port. */
  comeUp(): Promise<void>;
  /** Cuts every real-time connection, as a deployment of the service does. */
  cutConnections(): void;
  /** From now on requests get no answer, and connections hear nothing, until {@link speakAgain}. */
  goSilent(): void;
  speakAgain(): void;
  /** From now on every key and signature is refused, until {@link admitAgain}. Open connections stay. */
  refuseAll(): void;
  admitAgain(): void;
  /** Ends every connection, timer and table. */
  close(): Promise<void>;
}

/**
 * Starts the local AppSync: `infra/schema.graphql` and the resolvers of `infra/resolvers` over dynalite, on loopback.
 *
 * @throws {Error} if the port is taken; it names the port and says what to do
 */
export async function startAppSync(options: AppSyncOptions = {}): Promise<AppSyncServer> {
  const now = options.now ?? Date.now;
  const log = options.log ?? (() => undefined);
  const admitted: Callers = {
    apiKey: options.apiKey ?? DEFAULT_API_KEY,
    credentials: options.credentials ?? DEFAULT_CREDENTIALS,
  };
  let isSilent = false;
  let isRefusing = false;
  const callers = (): Callers => {
    if (isRefusing) throw unauthorized('You are not authorized to make this call.');
    return admitted;
  };

  const database = await openDatabase(options.dynamoDbUrl ?? process.env['AWS_ENDPOINT_URL_DYNAMODB']);
  const schema = readSchema();
  const hub = createHub(schema, () => execute);
  const source = createDynamoDbSource(database.client);
  const resolve = await createResolve(source, now);
  const execute: Executor = createExecutor(schema, resolve, hub.publish);

  const server = createServer((request, response) => {
    if (!isSilent) void serveHttp(request, response, { schema, execute, callers, log });
  });
  const connections = new Set<Socket>();
  server.on('connection', (connection) => {
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
  });
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MOST_BODY_BYTES,
    handleProtocols: (protocols) => (protocols.has('graphql-ws') ? 'graphql-ws' : false),
  });
  server.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (isSilent) return;
    const { pathname, searchParams } = new URL(request.url ?? '/', `http://${HOST}`);
    if (pathname !== '/graphql/realtime') return void socket.end('HTTP/1.1 404 Not Found\r\nconnection: close\r\n\r\n');
    const subprotocols = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
    const refusal = refuseHandshake(subprotocols, searchParams, callers);
    sockets.handleUpgrade(request, socket, head, (webSocket: WebSocket) =>
      serveSocket(webSocket, refusal, {
        schema,
        hub,
        callers,
        host: `${HOST}:${port}`,
        keepAliveMs: options.keepAliveMs ?? 60_000,
        isSilent: () => isSilent,
      }),
    );
  });

  let port = await listen(server, options.port ?? DEFAULT_PORT).catch(async (error: unknown) => {
    await database.close();
    throw error;
  });
  const cutConnections = (): void => {
    for (const socket of sockets.clients) socket.terminate();
  };
  const goDown = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    // Those that wait for the answer to their handshake belong neither to the HTTP nor to the WebSocket server.
    for (const connection of connections) connection.destroy();
    await closed;
  };
  return {
    url: `http://${HOST}:${port}/graphql`,
    realtimeUrl: `ws://${HOST}:${port}/graphql/realtime`,
    connectionCount: () => sockets.clients.size,
    goDown,
    async comeUp() {
      port = await listen(server, port);
    },
    cutConnections,
    goSilent() {
      isSilent = true;
    },
    speakAgain() {
      isSilent = false;
    },
    refuseAll() {
      isRefusing = true;
    },
    admitAgain() {
      isRefusing = false;
    },
    async close() {
      await goDown();
      await source.close();
      await database.close();
    },
  };
}

async function openDatabase(url: string | undefined) {
  const own = url === undefined ? dynalite({ createTableMs: 0 }) : null;
  // By default Node closes a connection that was idle for 5 s, and a request that is sent in that moment is lost.
  if (own) own.keepAliveTimeout = 0;
  const endpoint = url ?? `http://${HOST}:${await listen(own as Server, 0)}`;
  const client = createClient(endpoint);
  const close = async (): Promise<void> => {
    client.destroy();
    if (!own) return;
    const closed = new Promise((resolve) => own.close(resolve));
    own.closeAllConnections();
    await closed;
  };
  try {
    await createTables(client);
  } catch (error) {
    await close();
    throw new Error(`DynamoDB at ${endpoint} could not be used: ${String(error)}`, { cause: error });
  }
  return { client, close };
}

async function listen(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException): void => {
      reject(
        error.code === 'EADDRINUSE'
          ? new Error(
              `Port ${port} is taken. Stop what listens there, or start the local AppSync with another port (0: any free one).`,
            )
          : error,
      );
    };
    server.once('error', fail);
    server.listen(port, HOST, () => {
      server.off('error', fail);
      resolve();
    });
  });
  return (server.address() as AddressInfo).port;
}
