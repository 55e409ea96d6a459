import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname } from 'node:path';
import { serveFile } from '../../../server/files.ts';
import { pathOf } from '../../../server/http.ts';
import { BUILT } from './build.ts';

export interface PageServerOptions {
  /** 0: any free one. */
  port: number;
  /** The files that can be played, by their paths. */
  assets?: readonly string[];
  /** What `POST /demo/<name>` answers, as JSON. */
  api: Readonly<Record<string, (input: unknown) => Promise<object>>>;
  /** What `GET /demo/<name>` streams as server-sent events, until it is told to stop. */
  streams?: Readonly<Record<string, (send: (data: object) => void) => () => void>>;
}

export interface PageServer {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves the built pages and the assets on loopback: the participant's page at `/`, the demo's at `/demo/`.
 *
 * @throws {Error} if the port is taken; it names the port and what to do.
 */
export async function servePages({ port, assets = [], api, streams = {} }: PageServerOptions): Promise<PageServer> {
  const files = new Map(assets.map((file) => [basename(file), dirname(file)]));

  const server = createServer((request, response) => {
    const path = decoded(pathOf(request));
    const serve = (root: string, path: string) => serveFile({ root, path: path || 'index.html' }, request, response);
    if (path === null) return send(response, 400, { error: 'The path cannot be decoded.' });
    if (path.startsWith('/assets/')) {
      const name = path.slice('/assets/'.length);
      const folder = files.get(name);
      return folder === undefined
        ? send(response, 404, { error: `There is no asset "${name}".` })
        : serve(folder, name);
    }
    if (!path.startsWith('/demo/')) return serve(BUILT.page, path.slice(1));
    const name = path.slice('/demo/'.length);
    const answer = api[name];
    if (request.method === 'POST' && answer) return void reply(request, response, answer);
    const open = streams[name];
    if (open) return stream(response, open);
    serve(BUILT.demo, name);
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'EADDRINUSE' ? portTaken(port, error) : error),
    );
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function portTaken(port: number, cause: Error): Error {
  return new Error(`Port ${port} is taken. Stop what uses it, or choose another: npm run demo -- --port 3001`, {
    cause,
  });
}

async function reply(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (input: unknown) => Promise<object>,
): Promise<void> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    send(response, 200, await answer(JSON.parse(Buffer.concat(chunks).toString() || '{}')));
  } catch (error) {
    send(response, 500, { error: error instanceof Error ? error.message : 'Something failed.' });
  }
}

function stream(response: ServerResponse, open: (send: (data: object) => void) => () => void): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  const stop = open((data) => response.write(`data: ${JSON.stringify(data)}\n\n`));
  response.on('close', stop);
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

/** `null`: it is no text. */
function decoded(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}
