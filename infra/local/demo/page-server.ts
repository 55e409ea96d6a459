import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import sirv from 'sirv';
import { build } from 'vite';

const ROOT = new URL('../../../', import.meta.url);
const BUILT = { page: path('dist/browser'), demo: path('dist/demo') };

export interface PageServerOptions {
  /** 0: any free one. */
  port: number;
  /** The files that can be played, by their paths. */
  assets: readonly string[];
  /** What `POST /demo/<name>` answers, as JSON. */
  api: Readonly<Record<string, (input: unknown) => Promise<object>>>;
}

export interface PageServer {
  readonly url: string;
  close(): Promise<void>;
}

/** Builds the participant's page and the demo's, as they would be built to be deployed. */
export async function buildPages(): Promise<void> {
  await Promise.all([
    build({ configFile: path('browser/vite.config.ts'), logLevel: 'warn' }),
    build({
      configFile: false,
      root: path('infra/local/demo/page'),
      base: '/demo/',
      publicDir: false,
      logLevel: 'warn',
      build: { outDir: BUILT.demo, emptyOutDir: true, target: 'es2023', chunkSizeWarningLimit: 1_024 },
    }),
  ]);
}

/**
 * Serves the built pages and the assets on loopback: the participant's page at `/`, the demo's at `/demo/`.
 *
 * @throws {Error} if the port is taken; it names the port and what to do.
 */
export async function servePages({ port, assets, api }: PageServerOptions): Promise<PageServer> {
  const page = sirv(BUILT.page, { dev: true });
  const demo = sirv(BUILT.demo, { dev: true });
  const files = new Map(assets.map((file) => [basename(file), sirv(dirname(file), { dev: true })]));

  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://127.0.0.1');
    const notFound = () => send(response, 404, { error: 'There is nothing here.' });
    if (pathname.startsWith('/assets/')) {
      const name = decodeURIComponent(pathname.slice('/assets/'.length));
      strip(request, '/assets');
      const file = files.get(name);
      return file === undefined ? notFound() : file(request, response, notFound);
    }
    if (!pathname.startsWith('/demo/')) return page(request, response, notFound);
    const answer = api[pathname.slice('/demo/'.length)];
    if (request.method === 'POST' && answer) return void reply(request, response, answer);
    strip(request, '/demo');
    demo(request, response, notFound);
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

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function strip(request: IncomingMessage, prefix: string): void {
  request.url = request.url?.slice(prefix.length) || '/';
}

function path(relative: string): string {
  return fileURLToPath(new URL(relative, ROOT));
}
