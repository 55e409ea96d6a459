/**
 * How long a published page is away when something breaks: from the fault to `vp.published` again, and the longest gap
 * between two decoded frames at a viewer. Real Chromium, real SDK, local stage. The last line is one JSON object.
 *
 *     npm run bench:recovery [-- --runs 5]
 *
 * Exits with 1 when a cut media path was not published again within 3 s.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import buildPages from '../e2e/support/build-pages.ts';
import { openParticipant, openViewer, type ParticipantPage, type ViewerPage } from '../e2e/support/pages.ts';
import { type System, startSystem } from '../e2e/support/system.ts';
import { countOption, median, round } from './statistics.ts';

interface Disturbance {
  name: string;
  /** What is to be told after it: published again, or nothing at all. */
  outcome: 'published again' | 'nothing';
  limitMs?: number;
  make(participant: ParticipantPage, participantId: string): Promise<unknown>;
}

interface Run {
  /** `null` where the page was published all the time. */
  publishedAgainMs: number | null;
  viewerGapMs: number;
}

const MEDIA_LIMIT_MS = 3_000;
const TIMEOUT_MS = 30_000;
const FRAMES_BEFORE = 30;
const FRAMES_AFTER = 60;
/** The faults of a disturbance are spread over it, since the reports of the stage come once in it. */
const PHASES_MS = 1_000;

/** Counts the changes of a participant's number of decoded frames, and the longest time between two of them. */
const METER = `(id) => {
  const meter = { frames: 0, gapMs: 0 };
  let before = demo.viewer.figures(id).frames;
  let atMs = performance.now();
  const timer = setInterval(() => {
    const { frames } = demo.viewer.figures(id);
    const nowMs = performance.now();
    meter.gapMs = Math.max(meter.gapMs, nowMs - atMs);
    if (frames === 0 || frames === before) return;
    meter.frames += 1;
    before = frames;
    atMs = nowMs;
  }, 5);
  meter.stop = () => clearInterval(timer);
  window.meter = meter;
}`;

const { values } = parseArgs({ options: { runs: { type: 'string', default: '5' } } });
const runs = countOption('runs', values.runs);
await buildPages();
const system = await startSystem();
try {
  await measureAll(system);
} finally {
  await system.close();
}

async function measureAll(system: System): Promise<void> {
  const viewer = await openViewer(system);
  const measurements = [];
  for (const disturbance of disturbancesOn(system)) {
    const measured: Run[] = [];
    for (let run = 0; run < runs; run += 1) {
      measured.push(await measure(system, viewer, disturbance, (run / runs) * PHASES_MS));
      process.stderr.write(`${disturbance.name} ${run + 1}/${runs} ${JSON.stringify(measured.at(-1))}\n`);
    }
    measurements.push({
      fault: disturbance.name,
      limitMs: disturbance.limitMs ?? null,
      ...summary(measured),
      measured,
    });
  }
  console.table(measurements.map(({ measured, ...figures }) => figures));
  console.log(JSON.stringify({ bench: 'recovery', runs, measurements }));
  if (measurements.some(({ limitMs, publishedAgainWorstMs }) => (publishedAgainWorstMs ?? 0) > (limitMs ?? Infinity))) {
    process.exitCode = 1;
  }
}

function disturbancesOn(system: System): Disturbance[] {
  const fault = (spec: object) => (_: unknown, participantId: string) => system.fault({ participantId, ...spec });
  return [
    { name: 'none', outcome: 'nothing', make: async () => {} },
    {
      name: 'media path closed by the stage',
      outcome: 'published again',
      limitMs: MEDIA_LIMIT_MS,
      make: fault({ step: 'media', action: 'cut', direction: 'publish' }),
    },
    {
      name: 'media path dark',
      outcome: 'published again',
      limitMs: MEDIA_LIMIT_MS,
      make: fault({ step: 'media', action: 'drop', direction: 'publish' }),
    },
    {
      name: 'thrown out without a reason',
      outcome: 'published again',
      make: fault({ step: 'events', action: 'refuse', code: 'MAINTENANCE' }),
    },
    { name: 'events socket cut', outcome: 'nothing', make: fault({ step: 'events', action: 'cut' }) },
    { name: 'page reloaded', outcome: 'published again', make: ({ page }) => page.reload() },
  ];
}

async function measure(system: System, viewer: ViewerPage, disturbance: Disturbance, phaseMs: number): Promise<Run> {
  const { token, participantId } = await system.newToken('vp');
  const participant = await openParticipant(system, token);
  await participant.untilState('published', TIMEOUT_MS);
  await viewer.page.evaluate(`(${METER})('${participantId}')`);
  await untilFrames(viewer, FRAMES_BEFORE);
  await delay(phaseMs);

  await viewer.page.evaluate('meter.frames = meter.gapMs = 0');
  participant.forget();
  const faultAtMs = Date.now();
  const isMade = disturbance.make(participant, participantId);
  const published =
    disturbance.outcome === 'nothing'
      ? null
      : await participant.until('vp.published', ({ type }) => type === 'vp.published', TIMEOUT_MS);
  await isMade;
  await viewer.page.evaluate('meter.frames = 0');
  await untilFrames(viewer, FRAMES_AFTER);
  const viewerGapMs = Number(await viewer.page.evaluate('meter.stop(); meter.gapMs'));
  const told = participant.told.map(({ type }) => type).filter((type) => type !== 'vp.stats');
  if (published === null && told.length > 0) {
    throw new Error(`${disturbance.name}: expected the page to stay published; it told ${told.join(', ')}`);
  }
  await participant.page.browserContext().close();
  await viewer.untilGone(participantId);
  return { publishedAgainMs: published && published.atMs - faultAtMs, viewerGapMs: round(viewerGapMs) };
}

async function untilFrames(viewer: ViewerPage, count: number): Promise<void> {
  await viewer.page.waitForFunction(`meter.frames >= ${count}`, { timeout: TIMEOUT_MS, polling: 50 });
}

function summary(measured: readonly Run[]) {
  const published = measured.map(({ publishedAgainMs }) => publishedAgainMs).filter((timeMs) => timeMs !== null);
  const gaps = measured.map(({ viewerGapMs }) => viewerGapMs);
  return {
    publishedAgainMedianMs: published.length === 0 ? null : median(published),
    publishedAgainWorstMs: published.length === 0 ? null : Math.max(...published),
    viewerGapMedianMs: median(gaps),
    viewerGapWorstMs: Math.max(...gaps),
  };
}
