/**
 * Prints what is bundled into the page and the server as a CycloneDX document: `node --import tsx infra/image/sbom.ts > FILE`.
 *
 * What npm calls a dependency is not what the image holds: the bundles leave out most of it, and hold some that npm calls development's.
 * So npm says what each package is, and the bundler which of them it took a file of. See {@link keepBundled}.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build, type Rolldown } from 'vite';
import { keepBundled, packageFolder, type Sbom } from './sbom-contents.ts';

const path = (relative: string) => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

/** A document of all packages has 2 MB. */
const MOST_BYTES = 64 * 1_024 * 1_024;

const folders = new Set<string>();
for (const configFile of ['browser/vite.config.ts', 'server/vite.config.ts']) {
  const outputs = await build({ configFile: path(configFile), logLevel: 'silent', build: { write: false } });
  for (const { output } of [outputs].flat() as Rolldown.RolldownOutput[]) {
    for (const chunk of output) {
      const modules = chunk.type === 'chunk' ? chunk.moduleIds : [];
      for (const module of modules) folders.add(packageFolder(module) ?? '');
    }
  }
}
folders.delete('');
const bundled = await Promise.all(
  [...folders].map(async (folder) => {
    const { name, version } = JSON.parse(await readFile(`${folder}/package.json`, 'utf8'));
    return `${name}@${version}`;
  }),
);
const { stdout } = await promisify(execFile)(
  'npm',
  ['sbom', '--sbom-format', 'cyclonedx', '--sbom-type', 'application', '--include', 'dev'],
  {
    cwd: path('.'),
    maxBuffer: MOST_BYTES,
  },
);
const sbom = keepBundled(JSON.parse(stdout) as Sbom, bundled, process.versions.node);
process.stdout.write(`${JSON.stringify(sbom, null, 2)}\n`);
