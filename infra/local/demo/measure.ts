import { launchChromium } from '../../../server/chromium/launch.ts';
import type { RunFigures } from './page/run.ts';

export interface MeasureOptions {
  /** Of the page server. */
  url: string;
  runs: number;
  json: boolean;
  say: (line: string) => void;
}

/** For one run: a minute of asset, and every deadline of the page. */
const RUN_TIMEOUT_MS = 180_000;

/**
 * Lets the demo's page run by itself in a headless Chromium, and prints what it measured: medians without the first run
 * where there are several, since the first also warms up.
 *
 * @throws {Error} when a run did not do all that it should.
 */
export async function measure({ url, runs, json, say }: MeasureOptions): Promise<void> {
  const chromium = await launchChromium({ loopbackIce: true });
  const stop = () => chromium.close().finally(() => process.exit(130));
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  try {
    const page = await chromium.browser.newPage();
    page.setDefaultTimeout(RUN_TIMEOUT_MS);
    page.on('pageerror', (error) => say(`page: ${error instanceof Error ? error.message : error}`));
    await page.goto(`${url}/demo/?once`);
    await page.waitForFunction('window.demo !== undefined', { timeout: 30_000 });

    const figures: RunFigures[] = [];
    for (let run = 1; run <= runs; run += 1) {
      const measured = (await page.evaluate('demo.runOnce()')) as RunFigures;
      check(measured);
      figures.push(measured);
      say(`${run}/${runs}  ${JSON.stringify(measured)}`);
    }
    const result = figures.length > 1 ? medians(figures.slice(1)) : figures[0];
    if (json) process.stdout.write(`${JSON.stringify(result)}\n`);
    else process.stdout.write(`${table(result)}\n`);
  } finally {
    process.off('SIGINT', stop);
    process.off('SIGTERM', stop);
    await chromium.close();
  }
}

function check({ loops, rejoins, viewerSize, viewerFps }: RunFigures): void {
  if (loops < 1) throw new Error('The asset did not begin anew.');
  if (rejoins > 0) throw new Error(`The stage had to be joined again ${rejoins} times.`);
  if (viewerSize[0] === 0 || viewerFps === 0) throw new Error('The viewer decoded nothing.');
}

function medians(figures: readonly RunFigures[]): RunFigures {
  const middle = (value: (run: RunFigures) => number) => median(figures.map(value));
  return {
    invitedToPublishedMs: middle((run) => run.invitedToPublishedMs),
    invitedToFirstFrameMs: middle((run) => run.invitedToFirstFrameMs),
    viewerFps: middle((run) => run.viewerFps),
    viewerSize: [middle((run) => run.viewerSize[0]), middle((run) => run.viewerSize[1])],
    kickedToLeftMs: middle((run) => run.kickedToLeftMs),
    loops: middle((run) => run.loops),
    rejoins: middle((run) => run.rejoins),
  };
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

function table(figures: RunFigures | undefined): string {
  return Object.entries(figures ?? {})
    .map(([name, value]) => `${name.padEnd(22)} ${Array.isArray(value) ? value.join(' × ') : value}`)
    .join('\n');
}
