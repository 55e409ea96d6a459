import type { WebSocket } from 'ws';
import { authenticate, type Callers, lowerCaseNames } from '../auth/authenticate.ts';
import { RequestError } from '../errors.ts';
import { prepare, readRequest, toAppSyncError } from '../graphql/execute.ts';
import type { AppSyncSchema } from '../graphql/schema.ts';
import type { Hub } from './hub.ts';
import { toSubscription } from './subscription.ts';

export interface SocketOptions {
  schema: AppSyncSchema;
  hub: Hub;
  /** Host of the API, as clients sign it. */
  host: string;
  callers(): Callers;
  keepAliveMs: number;
  /** Whether everything is to be ignored and nothing said. */
  isSilent(): boolean;
}

/** Told to clients: without a `ka` for so long they give the connection up. */
const CONNECTION_TIMEOUT_MS = 300_000;
/** AppSync: "Subscriptions per connection: 100". */
export const MOST_SUBSCRIPTIONS = 100;

/** Serves one real-time connection. `refusal`: the handshake was not authorized. */
export function serveSocket(socket: WebSocket, refusal: RequestError | null, options: SocketOptions): void {
  const { schema, hub, host } = options;
  const subscriptions = new Map<string, () => void>();
  let keepAlive: NodeJS.Timeout | undefined;

  const send = (message: Record<string, unknown>): void => {
    if (!options.isSilent()) socket.send(JSON.stringify(message));
  };
  const sendErrors = (id: string | undefined, errors: Record<string, unknown>[]): void =>
    send({ ...(id !== undefined && { id }), type: 'error', payload: { errors } });

  const init = (): void => {
    // Only as the answer to this message: sent earlier it is lost, and the client tries again for seconds.
    if (refusal) {
      const { errorType, message, statusCode } = refusal;
      send({ type: 'connection_error', payload: { errors: [{ errorType, message, errorCode: statusCode }] } });
      socket.close();
      return;
    }
    send({ type: 'connection_ack', payload: { connectionTimeoutMs: CONNECTION_TIMEOUT_MS } });
    send({ type: 'ka' });
    clearInterval(keepAlive);
    keepAlive = setInterval(() => send({ type: 'ka' }), options.keepAliveMs);
  };

  /** @returns why there is no subscription, if there is none */
  const start = (id: string, payload: StartPayload): Record<string, unknown>[] => {
    const body = String(payload.data);
    const headers = lowerCaseNames({ ...payload.extensions?.authorization });
    const mode = authenticate({ method: 'POST', path: '/graphql', headers, body }, options.callers());
    if (headers['host'] !== host) throw new RequestError(400, 'BadRequestException', `Expected host "${host}".`);
    if (subscriptions.size >= MOST_SUBSCRIPTIONS) {
      const message = `Max number of ${MOST_SUBSCRIPTIONS} subscriptions reached`;
      throw new RequestError(400, 'MaxSubscriptionsReachedError', message);
    }
    const prepared = prepare(schema, readRequest(body));
    if ('errors' in prepared) return prepared.errors.map(toAppSyncError);
    const subscription = toSubscription(prepared, mode);
    if (!subscription) throw unsupported(prepared.operation.operation);
    if (!schema.admits(mode, 'Subscription', subscription.field)) {
      throw new RequestError(
        403,
        'Unauthorized',
        `Not Authorized to access ${subscription.field} on type Subscription`,
      );
    }
    subscriptions.get(id)?.();
    const end = hub.add(subscription, (response) => send({ id, type: 'data', payload: response }));
    subscriptions.set(id, end);
    return [];
  };

  const stop = (id: string): void => {
    subscriptions.get(id)?.();
    subscriptions.delete(id);
    send({ id, type: 'complete' });
  };

  socket.on('message', (data) => {
    if (options.isSilent()) return;
    const message = readMessage(String(data));
    const { type, id, payload } = message;
    try {
      if (type === 'connection_init') init();
      else if (refusal) throw refusal;
      else if (type === 'start' && id !== undefined) {
        const errors = start(id, payload ?? {});
        if (errors.length > 0) sendErrors(id, errors);
        else send({ id, type: 'start_ack' });
      } else if (type === 'stop' && id !== undefined) stop(id);
      else throw unsupported('unknown');
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      const { errorType, message: text, statusCode } = error;
      sendErrors(id, [{ errorType, message: text, errorCode: statusCode }]);
    }
  });
  socket.on('error', () => socket.terminate());
  socket.on('close', () => {
    clearInterval(keepAlive);
    for (const end of subscriptions.values()) end();
  });
}

/** Why the handshake is refused, or null. Its header stands in the subprotocol, in older clients in the query. */
export function refuseHandshake(
  subprotocols: readonly string[],
  query: URLSearchParams,
  callers: () => Callers,
): RequestError | null {
  const encoded = subprotocols.find((name) => name.startsWith('header-'))?.slice('header-'.length);
  try {
    const header: unknown = JSON.parse(Buffer.from(encoded ?? query.get('header') ?? '', 'base64').toString('utf8'));
    const headers = lowerCaseNames({ ...(header as object) });
    authenticate({ method: 'POST', path: '/graphql/connect', headers, body: '{}' }, callers());
    return null;
  } catch (error) {
    if (error instanceof RequestError) return error;
    return new RequestError(400, 'BadRequestException', 'Expected the header as JSON in base64.');
  }
}

interface StartPayload {
  data?: unknown;
  extensions?: { authorization?: object };
}

interface ClientMessage {
  type?: unknown;
  id?: string;
  payload?: StartPayload;
}

/** @returns an empty message if it is no JSON object */
function readMessage(text: string): ClientMessage {
  try {
    const message: unknown = JSON.parse(text);
    return message && typeof message === 'object' ? message : {};
  } catch {
    return {};
  }
}

function unsupported(what: string): RequestError {
  return new RequestError(400, 'UnsupportedOperation', `${what} not supported through the realtime channel`);
}
