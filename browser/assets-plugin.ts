import send from 'send';
import type { Connect, Plugin } from 'vite';

/** Serves a folder of assets under `/assets/`, by range requests; what is not there is a 404 and no page. */
export function assetsPlugin(folder: string): Plugin {
  const mount = (middlewares: Connect.Server) => {
    middlewares.use('/assets', (request, response) => {
      const path = request.url?.split('?', 1)[0] ?? '/';
      const refuse = (status: number, sentence: string) => {
        response.statusCode = status;
        response.end(`${sentence}\n`);
      };
      send(request, path, { root: folder, index: false, dotfiles: 'allow', cacheControl: false })
        .on('headers', () => response.setHeader('cache-control', 'no-cache'))
        .on('directory', () => refuse(404, 'There is no such asset.'))
        .on('error', ({ status, headers = {} }: { status: number; headers?: Record<string, string> }) => {
          if (response.headersSent) return void response.destroy();
          for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
          refuse(status, status === 404 ? 'There is no such asset.' : 'This cannot be served.');
        })
        .pipe(response);
    });
  };
  return {
    name: 'assets',
    configureServer: (server) => mount(server.middlewares),
    configurePreviewServer: (server) => mount(server.middlewares),
  };
}
