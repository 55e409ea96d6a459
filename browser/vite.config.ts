import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { assetsPlugin } from './assets-plugin.ts';

/** The page on http://localhost:3000/; `PAGE_PORT` and `ASSETS_DIR` are the settings of the README. */
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  publicDir: false,
  plugins: [assetsPlugin(process.env['ASSETS_DIR'] ?? fileURLToPath(new URL('../assets', import.meta.url)))],
  server: { port: Number(process.env['PAGE_PORT'] ?? 3_000), strictPort: true },
  build: {
    outDir: '../dist/browser',
    assetsDir: 'page',
    emptyOutDir: true,
    target: 'es2023',
    chunkSizeWarningLimit: 1_024,
  },
});
