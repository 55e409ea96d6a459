import { readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createSnapshots, type SnapshotSources } from './snapshot.ts';

/** How often the page gets new numbers while nobody comes or goes. */
const INTERVAL_MS = 1_000;

/** Changes closer together than this are shown as one. */
const SETTLE_MS = 50;

const FILES: Readonly<Record<string, { name: string; type: string }>> = {
  '/': { name: 'index.html', type: 'text/html; charset=utf-8' },
  '/page.css': { name: 'page.css', type: 'text/css; charset=utf-8' },
  '/page.js': { name: 'page.js', type: 'text/javascript; charset=utf-8' },
};

/** The page that shows what is on the stages, and the server-sent events that keep it up to date. */
export function createLivePage(sources: SnapshotSources) {
  const { registry, clock } = sources;
  const takeSnapshot = createSnapshots(sources);
  const viewers = new Set<ServerResponse>();
  let cancelNext: () => void = () => undefined;

  const write = (viewer: ServerResponse) => viewer.write(`data: ${JSON.stringify(takeSnapshot())}\n\n`);

  function publishIn(delayMs: number): void {
    cancelNext();
    if (viewers.size === 0) return;
    cancelNext = clock.after(delayMs, () => {
      for (const viewer of viewers) write(viewer);
      publishIn(INTERVAL_MS);
    });
  }

  registry.onChange(() => publishIn(SETTLE_MS));

  function follow(viewer: ServerResponse): void {
    viewer.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    viewers.add(viewer);
    viewer.on('close', () => viewers.delete(viewer));
    write(viewer);
    publishIn(INTERVAL_MS);
  }

  return {
    /** Answers where the path is one of the page's, and says whether it was. */
    serve(path: string, response: ServerResponse): boolean {
      if (path === '/live') {
        follow(response);
        return true;
      }
      const file = FILES[path];
      if (file === undefined) return false;
      response.writeHead(200, { 'content-type': file.type, 'content-security-policy': "default-src 'self'" });
      response.end(readFileSync(new URL(file.name, import.meta.url)));
      return true;
    },
    close(): void {
      for (const viewer of viewers) viewer.end();
    },
  };
}
