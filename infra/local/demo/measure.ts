import type { Page } from 'puppeteer';
import type { Control } from './control.ts';
import { now } from './control.ts';
import type { ViewerFigures } from './page/viewer.ts';

/** What one invite measured at a viewer that was there before, from the mutation sent. */
export interface InviteFigures {
  /** To the PUBLISHED event received by a subscriber. */
  invitedToPublishedMs: number;
  /** To the first picture. */
  invitedToFirstFrameMs: number;
  viewerFps: number;
  viewerSize: [width: number, height: number];
}

/** The same with its end. */
export interface RunFigures extends InviteFigures {
  /** From the kick sent to the stage without the participant, as the viewer was told. */
  kickedToLeftMs: number;
  loops: number;
  rejoins: number;
}

export interface InviteOptions {
  control: Control;
  /** The demo's page, with its viewer on the stage. */
  page: Page;
  vpId: string;
  stageArn: string;
  assetName: string | null;
  /** The least that is decoded, however short the asset is. Default: 5 s. */
  watchMs?: number;
}

export interface MeasureOptions extends InviteOptions {
  /** What the page of the virtual participant counted last. */
  counted: () => { epoch: number; loops: number; rejoins: number };
}

/** The first second of a stream finds its bitrate and is not counted. */
const SETTLE_MS = 1_000;
const WATCH_MS = 5_000;
const DEADLINES_MS = { published: 30_000, firstFrame: 30_000, loop: 120_000, gone: 15_000, available: 20_000 };

/**
 * Invites the participant, watches until its asset has begun anew at least once, and kicks it.
 *
 * @throws {Error} when a step did not happen in time, or the participant failed.
 */
export async function measureOnce(options: MeasureOptions): Promise<RunFigures> {
  const { control, page, vpId, counted } = options;
  const { figures, participantId } = await measureInvite(options, async (epoch) => {
    const deadline = now() + DEADLINES_MS.loop;
    while (counted().epoch !== epoch || counted().loops < 1) {
      if (now() > deadline) throw new Error('The asset did not begin anew.');
      await sleep(250);
    }
  });
  const { loops, rejoins } = counted();
  if (rejoins > 0) throw new Error(`The stage had to be joined again ${rejoins} times.`);

  const gone = untilGone(page, participantId, DEADLINES_MS.gone);
  const kickedAt = now();
  await control.kick(vpId);
  const goneAt = await gone;
  return { ...figures, kickedToLeftMs: Math.round(goneAt - kickedAt), loops, rejoins };
}

/**
 * Invites the participant and counts what the viewer decodes until `watched`, asked after `watchMs`, resolves. The invite goes on.
 *
 * @throws {Error} when a step did not happen in time, the participant failed, or nothing was decoded.
 */
export async function measureInvite(
  { control, page, vpId, stageArn, assetName, watchMs = WATCH_MS }: InviteOptions,
  watched: (epoch: number) => Promise<void> = async () => {},
): Promise<{ figures: InviteFigures; participantId: string }> {
  await control.until('AVAILABLE', ({ status }) => status === 'AVAILABLE', DEADLINES_MS.available);
  const firstFrame = inPage<number>(page, 'demo.viewer.firstFrame()', DEADLINES_MS.firstFrame);
  // Where the invite fails, nobody waits for it any more.
  firstFrame.catch(() => {});

  const invitedAt = now();
  const epoch = await control.invite({ id: vpId, stageArn, assetName });
  const isPublished = (seen: { status: string | null; epoch: number }) =>
    seen.status === 'PUBLISHED' && seen.epoch === epoch;
  const published = await control.until('PUBLISHED', isPublished, DEADLINES_MS.published);
  const firstFrameAt = await firstFrame;

  await sleep(SETTLE_MS);
  const decoded = () => inPage<ViewerFigures & { atMs: number }>(page, FIGURES, DEADLINES_MS.firstFrame);
  const from = await decoded();
  await sleep(watchMs);
  await watched(epoch);
  const to = await decoded();
  if (to.frames <= from.frames) throw new Error('The viewer decoded nothing.');
  return {
    figures: {
      invitedToPublishedMs: Math.round(published.atMs - invitedAt),
      invitedToFirstFrameMs: Math.round(firstFrameAt - invitedAt),
      viewerFps: Math.round(((to.frames - from.frames) / (to.atMs - from.atMs)) * 10_000) / 10,
      viewerSize: [to.width, to.height],
    },
    participantId: published.participantId ?? '',
  };
}

/** Resolves when the viewer was told that the participant is gone from the stage, with that moment. */
export function untilGone(page: Page, participantId: string, timeoutMs: number): Promise<number> {
  return inPage<number>(page, `demo.viewer.gone('${participantId}')`, timeoutMs);
}

const FIGURES = '({ ...demo.viewer.figures(), atMs: performance.timeOrigin + performance.now() })';

/** Medians of several runs. */
export function medians(figures: readonly RunFigures[]): RunFigures {
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

function inPage<T>(page: Page, expression: string, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${expression} was not answered in ${timeoutMs} ms.`)), timeoutMs);
    page
      .evaluate(expression)
      .then((value) => resolve(value as T), reject)
      .finally(() => clearTimeout(timer));
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
