import { stat } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { join, normalize } from 'node:path';
import type { Assets } from '../assets/assets.ts';
import { StartError } from '../errors.ts';
import { serveFile } from '../files.ts';
import { isLoopbackHost, listen, pathOf, sendText, stop } from '../http.ts';

export interface PageServerOptions {
  /** `PAGE_PORT`; 0: any free one. */
  port: number;
  /** Folder of the built page. */
  pageDir: string;
  /** What is served under `/assets/`. */
  assets: Pick<Assets, 'serve'>;
  /** Hears of what went wrong inside. */
  onError: (error: unknown) => void;
}

/** The page's web server. */
export interface PageServer {
  readonly port: number;
  /** `http://127.0.0.1:<port>`; the page answers as `localhost` too. */
  readonly origin: string;
  /** Ends every connection. */
  close(): Promise<void>;
}

/**
 * What the page may load and call: its own files; of the network, stages by TLS, and what listens on this machine. Nobody
 * else may show it in a frame.
 */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "media-src 'self' blob:",
  "connect-src 'self' https: wss: http://127.0.0.1:* ws://127.0.0.1:* http://localhost:* ws://localhost:*",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'self'",
].join('; ');

/** An asset is played and nothing else, even if it is a page or a picture with scripts. */
const ASSET_POLICY = "default-src 'none'; sandbox";

const HEADERS = {
  'content-security-policy': PAGE_POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
} as const;

const INDEX = 'index.html';
/** The built files below it have a hash of their content in their name. */
const HASHED = '/page/';
const FOR_EVER = 'public, max-age=31536000, immutable';

/**
 * Serves the built page and the assets on loopback.
 *
 * @throws {StartError} if the port is taken, or the page was not built.
 */
export async function startPageServer({ port, pageDir, assets, onError }: PageServerOptions): Promise<PageServer> {
  await stat(join(pageDir, INDEX)).catch((cause: unknown) => {
    throw new StartError(`There is no built page in ${pageDir}: run npm run build.`, { cause });
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    if (!isLoopbackHost(request)) return sendText(response, 403, 'Expected localhost or 127.0.0.1 in the header Host.');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return sendText(response, 405, 'Expected GET or HEAD.');
    }
    const path = pathOf(request);
    if (path.startsWith('/assets/')) {
      response.setHeader('content-security-policy', ASSET_POLICY);
      return assets.serve(path.slice('/assets/'.length), request, response);
    }
    if (path === '/' || path === `/${INDEX}`) return serveFile({ root: pageDir, path: INDEX }, request, response);
    const isHashed = path.startsWith(HASHED) && !path.includes('%') && path === normalize(path);
    if (!isHashed) return sendText(response, 404, 'There is nothing here.');
    serveFile({ root: pageDir, path: path.slice(1), cacheControl: FOR_EVER }, request, response);
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      onError(error);
      if (response.headersSent) response.destroy();
      else sendText(response, 500, 'The server failed.');
    });
  });
  const taken = await listen(server, { port, host: '127.0.0.1', setting: 'PAGE_PORT' });
  return { port: taken, origin: `http://127.0.0.1:${taken}`, close: () => stop(server) };
}
