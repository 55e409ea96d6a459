import type { IncomingMessage, ServerResponse } from 'node:http';
import { authenticate, type Callers, lowerCaseNames } from './auth/authenticate.ts';
import { RequestError } from './errors.ts';
import { type Executor, type GraphQlResponse, prepare, readRequest, toAppSyncError } from './graphql/execute.ts';
import type { AppSyncSchema } from './graphql/schema.ts';

export interface HttpOptions {
  schema: AppSyncSchema;
  execute: Executor;
  callers(): Callers;
  log(line: string): void;
}

/** The largest request that is read; AppSync's own limit for a GraphQL document and its variables. */
export const MOST_BODY_BYTES = 1_024 * 1_024;

/** AppSync admits pages of every origin: what protects it is the key. */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-headers': '*',
  'access-control-allow-methods': 'POST',
};

/** Serves `POST /graphql` as AppSync does. */
export async function serveHttp(
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpOptions,
): Promise<void> {
  if (request.method === 'OPTIONS') return void response.writeHead(200, CORS).end();
  try {
    send(response, 200, await answer(request, options));
  } catch (error) {
    if (!(error instanceof RequestError)) options.log(`The request failed inside: ${String(error)}`);
    const { statusCode, errorType, message } =
      error instanceof RequestError ? error : new RequestError(500, 'InternalFailure', 'The local AppSync failed.');
    send(response, statusCode, { errors: [{ errorType, message }] }, { 'x-amzn-errortype': errorType });
  }
}

async function answer(request: IncomingMessage, options: HttpOptions): Promise<GraphQlResponse> {
  if (request.url !== '/graphql' || request.method !== 'POST') {
    throw new RequestError(404, 'NotFoundException', 'Expected POST /graphql.');
  }
  const body = await readBody(request);
  const headers = lowerCaseNames(request.headers);
  const mode = authenticate({ method: 'POST', path: '/graphql', headers, body }, options.callers());
  const prepared = prepare(options.schema, readRequest(body));
  if ('errors' in prepared) return { data: null, errors: prepared.errors.map(toAppSyncError) };
  if (prepared.operation.operation === 'subscription') {
    throw new RequestError(400, 'UnsupportedOperation', 'Subscriptions are served by the real-time endpoint only.');
  }
  return options.execute(prepared, mode);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MOST_BODY_BYTES) {
      throw new RequestError(413, 'RequestEntityTooLargeException', `Expected at most ${MOST_BODY_BYTES} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json;charset=UTF-8', ...CORS, ...headers });
  response.end(JSON.stringify(body));
}
