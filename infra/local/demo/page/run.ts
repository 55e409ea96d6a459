import type { VpStats } from '../../../../machines/protocol.ts';
import type { Participant } from './participant.ts';
import { now, type Viewer } from './viewer.ts';

/** What one invite of the virtual participant measured. */
export interface RunFigures {
  /** From the start of the session to published with evidence. */
  invitedToPublishedMs: number;
  /** From the start of the session to the first picture at a viewer that was there before. */
  invitedToFirstFrameMs: number;
  viewerFps: number;
  viewerSize: [width: number, height: number];
  /** From leave asked to gone from the stage, as the viewer was told. */
  kickedToLeftMs: number;
  loops: number;
  rejoins: number;
}

export interface RunOptions {
  participant: Participant;
  viewer: Viewer;
  token: string;
  asset: string;
}

/** The first second of a stream finds its bitrate and is not counted. */
const SETTLE_MS = 1_000;
/** The least that is decoded, however short the asset is. */
const WATCH_MS = 5_000;
const DEADLINES_MS = { published: 20_000, firstFrame: 20_000, loop: 120_000, gone: 10_000 };

/**
 * Invites the participant, watches until its asset has begun anew at least once, and lets it leave.
 *
 * @throws {Error} when a step does not happen in time, or the page says why it cannot be done.
 */
export async function runOnce({ participant, viewer, token, asset }: RunOptions): Promise<RunFigures> {
  let stats: VpStats | null = null;
  const failures = new AbortController();
  const joining = settleable<number>();
  const published = settleable<number>();
  const looped = settleable<void>();
  const stop = participant.on((message, atMs) => {
    if (message.type === 'vp.error') failures.abort(new Error(message.error));
    if (message.type === 'vp.published') published.resolve(atMs);
    if (message.type !== 'vp.stats') return;
    stats = message;
    if (message.state === 'joining') joining.resolve(atMs);
    if (message.loops > 0) looped.resolve();
  });
  const within = <T>(step: keyof typeof DEADLINES_MS, promise: Promise<T>) =>
    deadline(promise, step, DEADLINES_MS[step], failures.signal);

  try {
    const firstFrame = viewer.firstFrame();
    participant.invite(token, asset);
    const invitedAt = await within('published', joining.promise);
    const publishedAt = await within('published', published.promise);
    const firstFrameAt = await within('firstFrame', firstFrame);

    await sleep(SETTLE_MS);
    const from = { ...viewer.figures(), atMs: now() };
    await Promise.all([sleep(WATCH_MS), within('loop', looped.promise)]);
    const to = { ...viewer.figures(), atMs: now() };

    const { participantId, loops, rejoins } = latest(stats);
    const gone = viewer.gone(participantId ?? '');
    const askedAt = now();
    participant.leave();
    const goneAt = await within('gone', gone);
    return {
      invitedToPublishedMs: Math.round(publishedAt - invitedAt),
      invitedToFirstFrameMs: Math.round(firstFrameAt - invitedAt),
      viewerFps: Math.round(((to.frames - from.frames) / (to.atMs - from.atMs)) * 10_000) / 10,
      viewerSize: [to.width, to.height],
      kickedToLeftMs: Math.round(goneAt - askedAt),
      loops,
      rejoins,
    };
  } finally {
    stop();
  }
}

function latest(stats: VpStats | null): VpStats {
  if (stats === null) throw new Error('The page told nothing of its media.');
  return stats;
}

function deadline<T>(promise: Promise<T>, step: string, timeoutMs: number, failed: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`"${step}" did not happen in ${timeoutMs} ms.`)), timeoutMs);
    if (failed.aborted) reject(failed.reason);
    failed.addEventListener('abort', () => reject(failed.reason), { once: true });
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** `Promise.withResolvers`, which Node 20 and its types lack. */
function settleable<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
