import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { FUNCTIONS, RESOLVERS } from '../../resolvers/manifest.ts';

const RESOLVERS_DIR = fileURLToPath(new URL('../../resolvers/', import.meta.url));
const SHIM = fileURLToPath(new URL('./runtime/shim.ts', import.meta.url));

/**
 * Bundles each resolver and function as it is uploaded to AWS: one ES module for the target that AppSync documents.
 *
 * @returns the code by its name in the manifest, `Type.field` or the function's name
 */
export async function bundleResolvers(): Promise<Map<string, string>> {
  const files = [
    ...Object.keys(RESOLVERS).map((name) => join(RESOLVERS_DIR, `${name}.ts`)),
    ...Object.keys(FUNCTIONS).map((name) => join(RESOLVERS_DIR, 'functions', `${name}.ts`)),
  ];
  const { outputFiles } = await build({
    entryPoints: files,
    outdir: RESOLVERS_DIR,
    bundle: true,
    write: false,
    format: 'esm',
    target: 'esnext',
    platform: 'node',
    external: ['@aws-appsync/utils'],
  });
  return new Map(outputFiles.map(({ path, text }) => [basename(path, '.js'), text]));
}

/** Bundles the stand-in for `@aws-appsync/utils` as a script that declares `appsyncShim`, with `createUtils` in it. */
export async function bundleShim(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [SHIM],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'appsyncShim',
    target: 'esnext',
  });
  return outputFiles.map(({ text }) => text).join('');
}
