import { fileURLToPath } from 'node:url';
import { type Docker, DockerError } from './docker.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const TAGS = { image: 'virtual-participant:verify', services: 'virtual-participant:verify-services' };

export interface BuildOptions {
  docker: Docker;
  /** Tags of images that are there already. Default: each is built. */
  image?: string | undefined;
  services?: string | undefined;
  say: (sentence: string) => void;
  signal?: AbortSignal;
}

/**
 * Builds the image of production and that of the build target `verify`, so far as no tag was given.
 *
 * @returns their tags
 * @throws {DockerError} when a build fails; what it printed is on standard error.
 */
export async function buildImages({ docker, say, signal, ...given }: BuildOptions): Promise<typeof TAGS> {
  const build = async (what: string, args: string[]) => {
    say(`Building ${what} …`);
    const startedAt = performance.now();
    await docker.show(['build', ...args, ROOT], signal);
    say(`Built ${what} in ${Math.round((performance.now() - startedAt) / 1_000)} s.`);
  };
  if (given.image === undefined) await build('the image', ['--tag', TAGS.image]);
  if (given.services === undefined)
    await build('what stands beside it', ['--target', 'verify', '--tag', TAGS.services]);
  return { image: given.image ?? TAGS.image, services: given.services ?? TAGS.services };
}

export interface ImageDescription {
  image: string;
  /** Of 1,000,000 bytes, uncompressed: the sum of its layers. */
  sizeMb: number;
  /** As the Dockerfile says; empty is root. */
  user: string;
  /** How much its own lists name: what is bundled into the page and the server, and Debian's packages. */
  listed: { bundled: number; debian: number };
}

/** What no image of this project is without, so that an empty list or one of something else is noticed. */
const CERTAIN = {
  bundled: ['amazon-ivs-web-broadcast', 'xstate', 'ws', 'puppeteer-core', 'node'],
  debian: ['chromium-headless-shell', 'libc6', 'tini'],
};

/** @throws {DockerError} when there is no such image, or its lists lack what it must have. */
export async function describeImage(docker: Docker, image: string): Promise<ImageDescription> {
  // First, since it looks for the image here only; `run` would look for it in registries too.
  const user = await docker.run(['image', 'inspect', '--format', '{{.Config.User}}', image]);
  // Not the size that inspect tells: where Docker keeps images with containerd, that is of the compressed layers.
  const [layers, bundled, debian] = await Promise.all([
    docker.run(['history', '--human=false', '--format', '{{.Size}}', image]),
    docker.run(['run', '--rm', image, 'cat', 'sbom/bundled.cdx.json']),
    docker.run(['run', '--rm', image, 'cat', 'sbom/debian.tsv']),
  ]);
  const names = {
    bundled: (JSON.parse(bundled) as { components: { name: string }[] }).components.map(({ name }) => name),
    debian: debian.split('\n').map((line) => line.split('\t')[0] ?? ''),
  };
  for (const list of ['bundled', 'debian'] as const) {
    const missing = CERTAIN[list].filter((name) => !names[list].includes(name));
    if (missing.length > 0) throw new DockerError(`The list "${list}" in ${image} lacks ${missing.join(', ')}.`);
  }
  const bytes = layers.split('\n').reduce((sum, size) => sum + Number(size), 0);
  return {
    image,
    sizeMb: Math.round(bytes / 1e6),
    user,
    listed: { bundled: names.bundled.length, debian: names.debian.length },
  };
}
