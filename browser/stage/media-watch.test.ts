import { MediaWatch } from './media-watch.ts';
import type { MediaStats } from './stage-port.ts';

const stats = (framesSent: number, packetsReceived: number, rest: Partial<MediaStats> = {}): MediaStats => ({
  framesSent,
  bytesSent: framesSent * 10_000,
  framesPerSecond: 30,
  packetsReceived,
  dtlsState: 'connected',
  ...rest,
});

const waiting = { type: 'waiting' };
const flowing = { type: 'flowing' };
const silent = { type: 'stopped', reason: 'STAGE_SILENT' };
const noFrames = { type: 'stopped', reason: 'NO_FRAMES' };
const dtlsClosed = { type: 'stopped', reason: 'DTLS_CLOSED' };

/** A watch whose media began to flow at `atMs`, with one frame sent and nothing heard but the handshake. */
function flowingWatch(atMs = 0): MediaWatch {
  const watch = new MediaWatch();
  watch.restart(atMs);
  watch.look(stats(1, 4), atMs);
  return watch;
}

/** What the watch says when frames go on and the stage is silent until `silentMs` after its media began to flow. */
function afterSilence(watch: MediaWatch, startMs: number, silentMs: number) {
  watch.restart(startMs);
  watch.look(stats(1, 4), startMs);
  return watch.look(stats(2, 4), startMs + silentMs);
}

describe('before media flows', () => {
  it('the watch waits while nothing is published, and looks every 50 ms', () => {
    const watch = new MediaWatch();
    watch.restart(0);
    expect([watch.look(null, 0), watch.nextLookMs(), watch.look(null, 60_000), watch.nextLookMs()]).toEqual([
      waiting,
      50,
      waiting,
      50,
    ]);
  });

  it.each([
    ['neither frames nor bytes have left', stats(0, 9)],
    ['frames were counted and no bytes', stats(3, 9, { bytesSent: 0 })],
    ['bytes were counted and no frame', stats(0, 9, { bytesSent: 900 })],
  ])('the watch waits when %s, and looks every 50 ms', (_, figures) => {
    const watch = new MediaWatch();
    watch.restart(0);
    expect([watch.look(figures, 50), watch.nextLookMs()]).toEqual([waiting, 50]);
  });

  it('the watch waits without a limit of its own, as the deadline is the machine’s', () => {
    const watch = new MediaWatch();
    watch.restart(0);
    expect([watch.look(stats(0, 4), 50), watch.look(stats(0, 4), 3_600_000)]).toEqual([waiting, waiting]);
  });

  it('media flows with the first frame and bytes, and the next look is in 500 ms', () => {
    const watch = new MediaWatch();
    watch.restart(0);
    watch.look(null, 0);
    expect([watch.look(stats(1, 0), 50), watch.nextLookMs()]).toEqual([flowing, 500]);
  });

  it.each(['closed', 'failed'] as const)('a DTLS transport that is %s has stopped', (dtlsState) => {
    const watch = new MediaWatch();
    watch.restart(0);
    expect(watch.look(stats(0, 0, { dtlsState }), 50)).toEqual(dtlsClosed);
  });

  it.each(['new', 'connecting', 'connected'] as const)('a DTLS transport that is %s has not stopped', (dtlsState) => {
    const watch = new MediaWatch();
    watch.restart(0);
    expect(watch.look(stats(0, 0, { dtlsState }), 50)).toEqual(waiting);
  });
});

describe('while media flows', () => {
  it('the watch looks every 500 ms while it hears the stage and every 250 ms while it does not', () => {
    const watch = flowingWatch();
    const looks = [
      watch.look(stats(30, 5), 1_000),
      watch.nextLookMs(),
      watch.look(stats(60, 5), 2_000),
      watch.nextLookMs(),
      watch.look(stats(67, 5), 2_250),
      watch.nextLookMs(),
      watch.look(stats(74, 6), 2_499),
      watch.nextLookMs(),
    ];
    expect(looks).toEqual([flowing, 500, flowing, 250, flowing, 250, flowing, 500]);
  });

  it.each(['closed', 'failed'] as const)('a DTLS transport that is %s has stopped', (dtlsState) => {
    expect(flowingWatch().look(stats(30, 9, { dtlsState }), 1_000)).toEqual(dtlsClosed);
  });

  it('a stage that is silent for 1.5 s has stopped, however many frames leave', () => {
    expect([afterSilence(new MediaWatch(), 10_000, 1_499), afterSilence(new MediaWatch(), 10_000, 1_500)]).toEqual([
      flowing,
      silent,
    ]);
  });

  it('the silence counts from the last look that heard the stage', () => {
    const watch = flowingWatch();
    watch.look(stats(30, 5), 1_000);
    expect([watch.look(stats(74, 5), 2_499), watch.look(stats(75, 5), 2_500)]).toEqual([flowing, silent]);
  });

  it('no frame for 3 s has stopped, however often the stage is heard', () => {
    const watch = flowingWatch();
    expect([
      watch.look(stats(1, 5), 1_000),
      watch.look(stats(1, 6), 2_000),
      watch.look(stats(1, 7), 2_999),
      watch.look(stats(1, 8), 3_000),
    ]).toEqual([flowing, flowing, flowing, noFrames]);
  });

  it('frames without bytes are no frames', () => {
    const watch = flowingWatch();
    watch.look(stats(60, 5, { bytesSent: 10_000 }), 2_000);
    expect(watch.look(stats(90, 6, { bytesSent: 10_000 }), 3_000)).toEqual(noFrames);
  });

  it('one frame within the 3 s begins them anew', () => {
    const watch = flowingWatch();
    watch.look(stats(2, 5), 2_000);
    watch.look(stats(2, 6), 3_500);
    expect([watch.look(stats(2, 7), 4_999), watch.look(stats(2, 8), 5_000)]).toEqual([flowing, noFrames]);
  });

  it('figures that are missing for 1.5 s mean that it has stopped, and for less that it goes on', () => {
    const watch = flowingWatch();
    const missing = [watch.look(null, 1_000), watch.nextLookMs(), watch.look(null, 1_499)];
    const back = [watch.look(stats(45, 5), 1_499), watch.nextLookMs()];
    expect([missing, back, watch.look(null, 2_998), watch.look(null, 2_999)]).toEqual([
      [flowing, 250, flowing],
      [flowing, 500],
      flowing,
      silent,
    ]);
  });
});

describe('figures that come back', () => {
  it('after they were missing are compared with the ones before', () => {
    const watch = flowingWatch();
    watch.look(null, 1_000);
    watch.look(stats(1, 4), 1_250);
    expect(watch.look(stats(1, 4), 1_500)).toEqual(silent);
  });
});

describe('the silence limit', () => {
  it('doubles from 1.5 s to 12 s with each silence of a young connection, and no further', () => {
    const watch = new MediaWatch();
    const limitsMs = [1_500, 3_000, 6_000, 12_000, 12_000];
    const verdicts = limitsMs.map((limitMs, index) => {
      const before = new MediaWatch();
      for (const earlierMs of limitsMs.slice(0, index)) afterSilence(before, 0, earlierMs);
      return [afterSilence(before, 0, limitMs - 1), afterSilence(watch, 0, limitMs)];
    });
    expect(verdicts).toEqual(limitsMs.map(() => [flowing, silent]));
  });

  it('does not grow for any other reason', () => {
    const watch = flowingWatch();
    watch.look(stats(30, 5, { dtlsState: 'closed' }), 1_000);
    watch.restart(2_000);
    watch.look(stats(1, 4), 2_000);
    watch.look(stats(1, 5), 3_499);
    watch.look(stats(1, 6), 5_000);
    expect(afterSilence(watch, 6_000, 1_500)).toEqual(silent);
  });

  it('is 1.5 s again once a connection has lived for 30 s', () => {
    const verdictAt = (lookedMs: number) => {
      const watch = new MediaWatch();
      afterSilence(watch, 0, 1_500);
      watch.restart(100_000);
      watch.look(stats(1, 4), 128_000);
      return watch.look(stats(2, 4), lookedMs);
    };
    expect([verdictAt(129_999), verdictAt(130_000)]).toEqual([flowing, silent]);
  });

  it.each<[what: string, lastSilentLookMs: number, heardMs: number, limitMs: number]>([
    ['is 1.5 times the longest gap that the looks went through', 2_000, 2_250, 3_000],
    ['takes no look that came late for a gap', 0, 2_900, 1_500],
    ['is never less than 1.5 s', 900, 1_000, 1_500],
    ['is never more than 12 s', 9_000, 9_250, 12_000],
  ])('of a connection that has lived for 30 s %s', (_, lastSilentLookMs, heardMs, limitMs) => {
    const verdictAfter = (silentMs: number) => {
      const watch = new MediaWatch();
      for (const earlierMs of [1_500, 3_000, 6_000]) afterSilence(watch, 0, earlierMs);
      watch.restart(0);
      watch.look(stats(1, 4), 0);
      watch.look(stats(2, 4), lastSilentLookMs);
      watch.look(stats(3, 5), heardMs);
      watch.look(stats(4, 6), 31_000);
      return watch.look(stats(5, 6), 31_000 + silentMs);
    };
    expect([verdictAfter(limitMs - 1), verdictAfter(limitMs)]).toEqual([flowing, silent]);
  });

  it.each([
    [1_000, 0],
    [2_000, 1],
    [4_000, 2],
    [8_000, 3],
  ])(
    'settles with a stage that reports every %i ms, so that 10 min cost %i publishes more',
    (reportIntervalMs, more) => {
      expect(publishesMore(reportIntervalMs, 600_000)).toBe(more);
    },
  );
});

/** How often the watch stops the media of a stage that reports at this interval and takes every frame. */
function publishesMore(reportIntervalMs: number, forMs: number): number {
  const firstFrameMs = 350;
  const watch = new MediaWatch();
  watch.restart(0);
  let publishedAtMs = 0;
  let stops = 0;
  for (let nowMs = 0; nowMs < forMs; nowMs += watch.nextLookMs()) {
    const sentMs = nowMs - publishedAtMs - firstFrameMs;
    const figures = sentMs < 0 ? null : stats(1 + Math.floor(sentMs / 33), 4 + Math.floor(sentMs / reportIntervalMs));
    if (watch.look(figures, nowMs).type !== 'stopped') continue;
    stops += 1;
    publishedAtMs = nowMs;
    watch.restart(nowMs);
  }
  return stops;
}

describe('the looks at a media path that goes dark', () => {
  it.each([1, 125, 250, 375, 499, 500, 750, 999])(
    'see it within 2.25 s when the last report came %i ms after a look',
    (reportedMs) => {
      const watch = flowingWatch();
      let nowMs = watch.nextLookMs();
      while (watch.look(stats(nowMs, nowMs < reportedMs ? 4 : 5), nowMs).type === 'flowing')
        nowMs += watch.nextLookMs();
      expect([nowMs - reportedMs >= 1_500, nowMs - reportedMs <= 2_250]).toEqual([true, true]);
    },
  );
});

describe('a new publish', () => {
  it('begins with looks every 50 ms and with counters of its own', () => {
    const watch = flowingWatch();
    watch.look(stats(300, 50), 1_000);
    watch.restart(1_100);
    expect([watch.nextLookMs(), watch.look(null, 1_100), watch.look(stats(1, 0), 1_150), watch.nextLookMs()]).toEqual([
      50,
      waiting,
      flowing,
      500,
    ]);
  });

  it('is given its full 1.5 s and 3 s, whatever the one before had used of them', () => {
    const watch = flowingWatch();
    watch.look(stats(1, 4), 1_400);
    watch.restart(1_450);
    watch.look(stats(1, 4), 1_500);
    expect([
      watch.look(stats(1, 4), 2_999),
      watch.look(stats(1, 5), 2_999),
      watch.look(stats(1, 6), 4_499),
      watch.look(stats(1, 7), 4_500),
    ]).toEqual([flowing, flowing, flowing, noFrames]);
  });
});
