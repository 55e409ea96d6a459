import { readFileSync } from 'node:fs';

const DOCKERFILE = new URL('../../../Dockerfile', import.meta.url);

/** What ECS must be told of the image, since it does not heed it there. */
export interface ImageFacts {
  /** The folders that are declared as VOLUME: all that is written. */
  readonly volumes: readonly string[];
  /** The command of HEALTHCHECK. */
  readonly healthCheck: readonly string[];
}

/**
 * Reads the project's Dockerfile, so that task and image cannot differ.
 *
 * @throws {Error} that names the instruction that is missing, or written in another form than is read here
 */
export function readDockerfile(text = readFileSync(DOCKERFILE, 'utf8')): ImageFacts {
  const lines = text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
  const volumes = lines.flatMap((line) => /^VOLUME +(\/.*)$/.exec(line)?.[1]?.trim().split(/ +/) ?? []);
  if (volumes.length === 0) throw new Error('The Dockerfile has no VOLUME; expected one, as VOLUME /path /path.');
  const healthChecks = lines.flatMap((line) => /^HEALTHCHECK .*CMD *(\[.*\])$/.exec(line)?.[1] ?? []);
  const [healthCheck] = healthChecks;
  if (healthCheck === undefined || healthChecks.length > 1) {
    throw new Error(
      `The Dockerfile has ${healthChecks.length} HEALTHCHECKs; expected one, as CMD ["program", "argument"].`,
    );
  }
  return { volumes, healthCheck: JSON.parse(healthCheck) as string[] };
}
