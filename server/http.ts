import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { StartError } from './errors.ts';

const LOOPBACK_HOST = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i;

/** Whether the request names a loopback host. A page whose DNS name was rebound to 127.0.0.1 does not. */
export function isLoopbackHost(request: IncomingMessage): boolean {
  return LOOPBACK_HOST.test(request.headers.host ?? '');
}

/** The path as it was sent: not decoded, without the query. */
export function pathOf(request: IncomingMessage): string {
  return request.url?.split('?', 1)[0] ?? '/';
}

/** Ends the response with a line of text, or for `HEAD` with its headers alone. */
export function sendText(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}

export interface ListenOptions {
  /** 0: any free one. */
  port: number;
  /** Default: all interfaces. */
  host?: string;
  /** The setting that the port comes from, for the error. */
  setting: string;
}

/**
 * Starts to listen.
 *
 * @returns the port.
 * @throws {StartError} if the port is taken or not allowed; it names the port and the setting.
 */
export async function listen(server: Server, { port, host, setting }: ListenOptions): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const problem = cause.code === 'EADDRINUSE' ? 'is taken' : `cannot be used (${cause.code})`;
      reject(
        new StartError(`Port ${port} ${problem}; set ${setting} to another, or to 0 for any free one.`, { cause }),
      );
    });
    server.listen({ port, host }, resolve);
  });
  return (server.address() as AddressInfo).port;
}

/** Ends a server and all its connections, whatever they are in the middle of. */
export async function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
