/**
 * What a Chromium costs whose one page publishes the test card to the local stage: memory (PSS) and CPU time of all its
 * processes, each second from `published` on. For each Chromium that a server or a developer gets here: the headless
 * shell and the full browser, or `PUPPETEER_EXECUTABLE_PATH` alone. Linux only. The last line is one JSON object.
 *
 *     npm run bench:memory [-- --seconds 20]
 *
 * PSS divides what processes share: other processes of the same program make the figure smaller than it would be alone
 * (`sharedWith` counts them; it should be 0). Exits with 1 above 480 MB.
 */
import { readFile, readlink } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import buildPages from '../e2e/support/build-pages.ts';
import { subscribeLight } from '../e2e/support/light-client.ts';
import { startSystem } from '../e2e/support/system.ts';
import { findChromium } from '../server/chromium/find-chromium.mjs';
import { chromiumMemoryBytes } from '../server/chromium/memory.ts';
import { processTree, runningProcesses } from '../server/chromium/processes.ts';
import { countOption, median, round } from './statistics.ts';

interface Measurement {
  program: string;
  processes: number;
  /** Of 1,000,000 bytes. */
  medianMb: number;
  worstMb: number;
  /** Of one core. */
  cores: number;
  /** What a subscriber got of the page's video. */
  framesPerSecond: number;
  /** Most processes of the same program beside the measured ones. */
  sharedWith: number;
}

const LIMIT_MB = 480;
const TIMEOUT_MS = 30_000;
/** The unit of the times in /proc: USER_HZ, which is 100 on every Linux. */
const TICKS_PER_SECOND = 100;

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '20' } } });
const seconds = countOption('seconds', values.seconds);
const programs = new Set([true, false].map((headless) => findChromium({ headless }).executablePath ?? ''));
programs.delete('');
if (programs.size === 0) throw new Error('There is no Chromium here; set PUPPETEER_EXECUTABLE_PATH to one.');

await buildPages();
const measurements: Measurement[] = [];
for (const program of programs) measurements.push(await measure(program));
console.table(measurements);
console.log(JSON.stringify({ bench: 'chromium-memory', seconds, limitMb: LIMIT_MB, measurements }));
if (measurements.some(({ worstMb }) => worstMb > LIMIT_MB)) process.exitCode = 1;

async function measure(program: string): Promise<Measurement> {
  process.env['PUPPETEER_EXECUTABLE_PATH'] = program;
  const system = await startSystem();
  try {
    const { token, participantId } = await system.newToken('vp');
    // The page that Chromium begins with, as the server uses it: another one would be one more process.
    const [page] = await system.chromium.browser.pages();
    if (page === undefined) throw new Error(`${program}: expected it to begin with a page`);
    await page.goto(`${system.pages.url}/?token=${encodeURIComponent(token)}`);
    await page.waitForFunction("document.body.dataset.state === 'published'", { timeout: TIMEOUT_MS });
    const { token: viewerToken } = await system.newToken('viewer');
    const viewer = await subscribeLight({ url: `${system.stage.url}/whep/${participantId}`, token: viewerToken });

    const { pid } = system.chromium;
    const before = { atMs: performance.now(), cpuSeconds: await cpuSecondsOf(pid), ...viewer.received().video };
    const sizesMb: number[] = [];
    let sharedWith = 0;
    for (let second = 0; second < seconds; second += 1) {
      await delay(1_000);
      const bytes = await chromiumMemoryBytes(pid);
      if (bytes === null) throw new Error('The memory cannot be measured here: this needs Linux and its /proc.');
      sizesMb.push(bytes / 1e6);
      sharedWith = Math.max(sharedWith, await othersOfSameProgram(pid));
    }
    const elapsedSeconds = (performance.now() - before.atMs) / 1_000;
    const measurement = {
      program,
      processes: (await processTree(pid)).length,
      medianMb: round(median(sizesMb)),
      worstMb: round(Math.max(...sizesMb)),
      cores: round(((await cpuSecondsOf(pid)) - before.cpuSeconds) / elapsedSeconds, 2),
      framesPerSecond: round((viewer.received().video.frames - before.frames) / elapsedSeconds, 1),
      sharedWith,
    };
    await viewer.close();
    return measurement;
  } finally {
    await system.close();
  }
}

/** User and system time of a process and its descendants. */
async function cpuSecondsOf(pid: number): Promise<number> {
  let ticks = 0;
  for (const member of await processTree(pid)) {
    const stat = await readFile(`/proc/${member}/stat`, 'utf8').catch(() => '');
    // After "pid (name) state", where the name may hold blanks, utime and stime are the 11th and 12th.
    const fields = stat.slice(stat.lastIndexOf(')') + 4).split(' ');
    ticks += Number(fields[10] ?? 0) + Number(fields[11] ?? 0);
  }
  return ticks / TICKS_PER_SECOND;
}

/** How many processes outside this tree run its program: they share its code, and PSS divides that. */
async function othersOfSameProgram(pid: number): Promise<number> {
  const programOf = (member: number) => readlink(`/proc/${member}/exe`).catch(() => null);
  const tree = await processTree(pid);
  // The first may be the shell of a script that starts the program.
  const own = await programOf(tree[1] ?? pid);
  const others = (await runningProcesses()).filter((process) => !tree.includes(process.pid));
  const programs = await Promise.all(others.map((process) => programOf(process.pid)));
  return programs.filter((program) => program !== null && program === own).length;
}
