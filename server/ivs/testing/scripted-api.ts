import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One answer of the API: of a type of error, with a body, or none at all. */
export interface ScriptedAnswer {
  status?: number;
  /** The header `x-amzn-errortype`. */
  errorType?: string;
  body?: object;
  /** `silence`: no answer comes. `cut`: the connection breaks off. */
  instead?: 'silence' | 'cut';
}

export interface ScriptedRequest {
  operation: string;
  body: unknown;
  /** The region that it was signed for. */
  region: string | undefined;
}

/** An IVS API that answers what a test says, on a free port of loopback. */
export interface ScriptedApi {
  readonly url: string;
  readonly requests: ScriptedRequest[];
  /** How many connections were opened. */
  connections(): number;
  /** The answers to come, by operation; the last of each is repeated. */
  answers: Record<string, ScriptedAnswer[]>;
  close(): Promise<void>;
}

export async function startScriptedApi(): Promise<ScriptedApi> {
  const requests: ScriptedRequest[] = [];
  let connections = 0;
  const server = createServer((request, response) => void answer(request, response));
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const api: ScriptedApi = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    connections: () => connections,
    answers: {},
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const operation = (request.url ?? '').slice(1);
    const region = /\/([a-z0-9-]+)\/ivs\/aws4_request/.exec(request.headers.authorization ?? '')?.[1];
    requests.push({ operation, body: JSON.parse(Buffer.concat(chunks).toString()), region });
    const script = api.answers[operation] ?? [];
    const { status = 200, errorType, body = {}, instead } = (script.length > 1 ? script.shift() : script[0]) ?? {};
    if (instead === 'silence') return;
    if (instead === 'cut') return void request.socket.destroy();
    response.writeHead(status, {
      'content-type': 'application/json',
      ...(errorType && { 'x-amzn-errortype': errorType }),
    });
    response.end(JSON.stringify(body));
  }
  return api;
}
