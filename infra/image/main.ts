/** `npm run image:verify`: builds the image and shows what it does on this machine. See USAGE. */
import { parseArgs } from 'node:util';
import { buildImages, describeImage } from './build.ts';
import { DockerError, findDocker } from './docker.ts';
import { driveImage, PRODUCTION_FLAGS } from './drive.ts';
import { brokenLimits, report } from './report.ts';

const USAGE = `npm run image:verify -- [options]
  --image TAG      verify this image; builds none
  --services TAG   of the build target "verify"; builds none
  --flags "..."    options of docker run for the image (default: "${PRODUCTION_FLAGS.join(' ')}")
  --json           the last line is one JSON object
The docker command is DOCKER, or else docker, or else podman.`;

const say = (line: string) => process.stderr.write(`${line}\n`);

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      image: { type: 'string' },
      services: { type: 'string' },
      flags: { type: 'string', default: PRODUCTION_FLAGS.join(' ') },
      json: { type: 'boolean', default: false },
    },
  });
  const interrupted = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => interrupted.abort());
  const { signal } = interrupted;

  const docker = await findDocker();
  say(`With ${docker.command}.`);
  const { image, services } = await buildImages({
    docker,
    image: values.image,
    services: values.services,
    say,
    signal,
  });
  const description = await describeImage(docker, image);
  say(`Starting ${image} beside the local services …`);
  const flags = values.flags.split(/\s+/).filter(Boolean);
  const { marks, ...figures } = await driveImage({ docker, image, services, flags, say, signal });
  const seen = { ...description, ...figures };
  process.stdout.write(`\n${report(seen)}\n`);
  const broken = brokenLimits(seen);
  for (const sentence of broken) say(sentence);
  if (values.json) process.stdout.write(`${JSON.stringify(seen)}\n`);
  return broken.length === 0;
}

main().then(
  (isGood) => process.exit(isGood ? 0 : 1),
  (error: Error & { code?: string }) => {
    say(error instanceof DockerError || error.name === 'AbortError' ? error.message : `${error.stack}`);
    if (error.code?.startsWith('ERR_PARSE_ARGS')) say(`\n${USAGE}`);
    process.exit(1);
  },
);
