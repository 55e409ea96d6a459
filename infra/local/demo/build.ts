import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const path = (relative: string) => fileURLToPath(new URL(`../../../${relative}`, import.meta.url));

/** Where the builds are. */
export const BUILT = {
  page: path('dist/browser'),
  demo: path('dist/demo/'),
  server: path('dist/server/main.js'),
};

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

/** Builds the pages and the server. */
export async function buildAll(): Promise<void> {
  await Promise.all([buildPages(), build({ configFile: path('server/vite.config.ts'), logLevel: 'warn' })]);
}
