import sirv from 'sirv';
import type { Connect, Plugin } from 'vite';

/** Serves a folder of assets under `/assets/`, by range requests; what is not there is a 404 and no page. */
export function assetsPlugin(folder: string): Plugin {
  const serve = sirv(folder, { dev: true, etag: true });
  const mount = (middlewares: Connect.Server) => {
    middlewares.use('/assets', (request, response) => {
      serve(request, response, () => {
        response.statusCode = 404;
        response.end('There is no such asset.\n');
      });
    });
  };
  return {
    name: 'assets',
    configureServer: (server) => mount(server.middlewares),
    configurePreviewServer: (server) => mount(server.middlewares),
  };
}
