import type { Docker } from './docker.ts';

/** What a container has used since its start, by its own control group. */
export interface Usage {
  cpuMs: number;
  /** How long it was kept from running by its limit of CPU time, added up over its threads' cores. */
  throttledMs: number;
  /** Of 1,000,000 bytes, without the files that the kernel can forget at any time: what limits and `docker stats` mean. */
  memoryMb: number;
  /** How often memory had to be freed since the limit was reached; version 2 counts only what this could not cure. */
  limitHits: number;
}

export interface Sample extends Usage {
  /** `performance.now()` when it arrived. */
  atMs: number;
}

const SAMPLE_SECONDS = 1;
/** Version 1 and version 2, of which a container has one. */
const FILES = [
  'cpuacct/cpuacct.usage',
  'cpu/cpu.stat',
  'memory/memory.usage_in_bytes',
  'memory/memory.failcnt',
  'memory/memory.stat',
  'cpu.stat',
  'memory.current',
  'memory.events',
  'memory.stat',
];
const END = 'end of sample';

/** Samples a running container each second, by a shell inside it, into `samples`, until the function that is returned is called. */
export function sampleUsage(docker: Docker, container: string, samples: Sample[]): () => void {
  const look = `cd /sys/fs/cgroup; while :; do grep -sH '' ${FILES.join(' ')}; echo '${END}'; sleep ${SAMPLE_SECONDS}; done`;
  let lines: string[] = [];
  const running = docker.start(['exec', container, 'sh', '-c', look], (line) => {
    if (line !== END) return void lines.push(line);
    samples.push({ ...parseUsage(lines), atMs: performance.now() });
    lines = [];
  });
  return () => running.kill();
}

/**
 * Reads lines of `file:value` or `file:name value`.
 *
 * @throws {Error} naming what is missing, when they are of neither version.
 */
export function parseUsage(lines: readonly string[]): Usage {
  const found = new Map<string, number>();
  for (const line of lines) {
    const [, file = '', name = '', value = ''] = /^([^:]+):(?:(\S+) )?(\d+)$/.exec(line) ?? [];
    found.set(name === '' ? file : `${file} ${name}`, Number(value));
  }
  const of = (...names: string[]) => {
    const name = names.find((each) => found.has(each));
    if (name !== undefined) return found.get(name) ?? 0;
    throw new Error(`The container's control group has no ${names.join(' and no ')}.`);
  };
  const isFirst = found.has('cpuacct/cpuacct.usage');
  const memory = isFirst
    ? of('memory/memory.usage_in_bytes') - of('memory/memory.stat total_inactive_file')
    : of('memory.current') - of('memory.stat inactive_file');
  return {
    cpuMs: isFirst ? of('cpuacct/cpuacct.usage') / 1e6 : of('cpu.stat usage_usec') / 1e3,
    // Version 2 has none without a limit.
    throttledMs: isFirst ? of('cpu/cpu.stat throttled_time') / 1e6 : (found.get('cpu.stat throttled_usec') ?? 0) / 1e3,
    memoryMb: memory / 1e6,
    limitHits: isFirst ? of('memory/memory.failcnt') : of('memory.events max'),
  };
}
