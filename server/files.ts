import type { IncomingMessage, ServerResponse } from 'node:http';
import { sep } from 'node:path';
import send from 'send';
import { sendText } from './http.ts';

export interface ServedFile {
  /** The folder that must not be left. */
  root: string;
  /** The file, relative to `root`. */
  path: string;
  /** Default: `no-cache`, which is to ask each time whether the file has changed. */
  cacheControl?: string;
}

/** Answers a GET or HEAD with a file: ranges, conditions, a fitting type; 404 if it is not there or no file. */
export function serveFile(file: ServedFile, request: IncomingMessage, response: ServerResponse): void {
  const { root, path, cacheControl = 'no-cache' } = file;
  const encodedPath = path.split(sep).map(encodeURIComponent).join('/');
  // Hidden files are the caller's affair: a mounted volume may keep its files in hidden folders behind links.
  send(request, encodedPath, { root, index: false, dotfiles: 'allow', cacheControl: false })
    .on('headers', () => response.setHeader('cache-control', cacheControl))
    .on('directory', () => sendText(response, 404, 'There is nothing here.'))
    .on('error', (error: { status: number; headers?: Record<string, string> }) => {
      if (response.headersSent) return void response.destroy();
      for (const [name, value] of Object.entries(error.headers ?? {})) response.setHeader(name, value);
      sendText(response, error.status, error.status === 404 ? 'There is nothing here.' : 'This cannot be served.');
    })
    .pipe(response);
}
