/**
 * What the image needs: the image of production with limits as Fargate sets them, resting at AVAILABLE and publishing the test card, or a file of
 * yours, to the local stage, with a viewer beside it. Start to AVAILABLE, invite to PUBLISHED, what the viewer decodes, CPU time and memory of the
 * whole container. The last line is one JSON object.
 *
 *     npm run bench:image [-- --runs 3 --idle-seconds 10 --watch-seconds 20 --sizes 0.25/512,1/2048 --asset my.mp4]
 *
 * `--image`, `--services` and the docker command as in `npm run image:verify`.
 */
import { basename, dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildImages } from '../infra/image/build.ts';
import { type Sample, sampleUsage } from '../infra/image/cgroup.ts';
import { type Docker, DockerError, findDocker } from '../infra/image/docker.ts';
import { driveImage, PRODUCTION_FLAGS } from '../infra/image/drive.ts';
import { countOption, median, round } from './statistics.ts';

/** Fargate's smallest combinations: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html */
const SIZES = '0.25/512,0.25/1024,0.25/2048,0.5/1024,0.5/2048,0.5/4096,1/2048,1/4096';
/** The encoder begins low and climbs to the size of the picture; only what follows is what an invite costs. */
const LAST_PART = 0.5;

interface Run {
  availableMs: number;
  invitedToPublishedMs: number;
  viewerFps: number;
  viewerSize: string;
  idleCores: number;
  idleMb: number;
  startCpuMs: number;
  publishedCores: number;
  /** Of the time of watching, per core. */
  throttledPercent: number;
  publishedMb: number;
  peakMb: number;
  limitHits: number;
  stopToEndMs: number;
  exitCode: number;
}

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '3' },
    'idle-seconds': { type: 'string', default: '10' },
    'watch-seconds': { type: 'string', default: '20' },
    sizes: { type: 'string', default: SIZES },
    asset: { type: 'string' },
    image: { type: 'string' },
    services: { type: 'string' },
  },
});
const runs = countOption('runs', values.runs);
const idleMs = 1_000 * countOption('idle-seconds', values['idle-seconds']);
const watchMs = 1_000 * countOption('watch-seconds', values['watch-seconds']);
const asset = values.asset === undefined ? null : resolve(process.env['INIT_CWD'] ?? '', values.asset);
const assetFlags = asset
  ? ['--volume', `${dirname(asset)}:/app/assets:ro`, '--env', `DEFAULT_ASSET=${basename(asset)}`]
  : [];
const say = (line: string) => process.stderr.write(`${line}\n`);

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => interrupted.abort(new DockerError('Interrupted.')));
const { signal } = interrupted;
const docker = await findDocker();
const { image, services } = await buildImages({ docker, image: values.image, services: values.services, say, signal });

const measurements = [];
for (const size of values.sizes.split(',')) {
  const [cpus = '', memory = ''] = size.split('/');
  const measured: Run[] = [];
  for (let run = 1; run <= runs; run += 1) {
    measured.push(await measure(docker, ['--cpus', cpus, '--memory', `${memory}m`, '--memory-swap', `${memory}m`]));
    say(`${cpus} vCPU, ${memory} MB, ${run}/${runs} ${JSON.stringify(measured.at(-1))}`);
  }
  measurements.push({ vCpu: Number(cpus), memoryMb: Number(memory), ...summary(measured), measured });
}
console.table(measurements.map(({ measured, ...figures }) => figures));
console.log(
  JSON.stringify({ bench: 'image-sizing', asset: asset && basename(asset), runs, idleMs, watchMs, measurements }),
);

async function measure(docker: Docker, limits: string[]): Promise<Run> {
  const samples: Sample[] = [];
  const { marks, ...figures } = await driveImage({
    docker,
    image,
    services,
    flags: [...PRODUCTION_FLAGS, ...limits, ...assetFlags],
    idleMs,
    watchMs,
    say: () => {},
    onStarted: (container) => sampleUsage(docker, container, samples),
    signal,
  });
  const between = (fromMs: number, toMs: number) => samples.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs);
  const idle = between(marks.available + idleMs * LAST_PART, marks.inviting);
  const published = between(marks.watched - watchMs * LAST_PART, marks.watched);
  const memory = (of: readonly Sample[]) => of.map(({ memoryMb }) => memoryMb);
  const { viewerSize, availableMs, invitedToPublishedMs, viewerFps, stopToEndMs, exitCode } = figures;
  return {
    availableMs,
    invitedToPublishedMs,
    viewerFps,
    viewerSize: viewerSize.join('×'),
    startCpuMs: round(samples.find(({ atMs }) => atMs >= marks.available)?.cpuMs ?? Number.NaN),
    idleCores: round(
      rate(idle, ({ cpuMs }) => cpuMs),
      3,
    ),
    idleMb: round(median(memory(idle))),
    publishedCores: round(
      rate(published, ({ cpuMs }) => cpuMs),
      3,
    ),
    throttledPercent: round(100 * rate(published, ({ throttledMs }) => throttledMs)),
    publishedMb: round(median(memory(published))),
    peakMb: round(Math.max(...memory(samples))),
    limitHits: samples.at(-1)?.limitHits ?? 0,
    stopToEndMs,
    exitCode,
  };
}

/** How much a count of milliseconds grew in each millisecond. */
function rate(samples: readonly Sample[], count: (sample: Sample) => number): number {
  const [from, to] = [samples[0], samples.at(-1)];
  if (from === undefined || to === undefined || from === to) throw new Error('There are fewer than two samples.');
  return (count(to) - count(from)) / (to.atMs - from.atMs);
}

function summary(measured: readonly Run[]) {
  const middle = (value: (run: Run) => number) => round(median(measured.map(value)), 3);
  return {
    availableMs: middle((run) => run.availableMs),
    publishedMs: middle((run) => run.invitedToPublishedMs),
    fps: middle((run) => run.viewerFps),
    sizes: [...new Set(measured.map((run) => run.viewerSize))].join(' '),
    idleCores: middle((run) => run.idleCores),
    idleMb: middle((run) => run.idleMb),
    publishedCores: middle((run) => run.publishedCores),
    throttledPercent: middle((run) => run.throttledPercent),
    publishedMb: middle((run) => run.publishedMb),
    peakMb: Math.max(...measured.map((run) => run.peakMb)),
    stopToEndMs: middle((run) => run.stopToEndMs),
  };
}
