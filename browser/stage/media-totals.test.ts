import { MediaTotals } from './media-totals.ts';

/** What the totals are after the looks of a session, each given as frames and bytes. */
function totalsOf(...looks: [frames: number, bytes: number][]) {
  const totals = new MediaTotals();
  for (const [framesSent, bytesSent] of looks) {
    totals.take({ framesSent, bytesSent, framesPerSecond: 30, packetsReceived: 0, dtlsState: 'connected' });
  }
  return { frames: totals.frames, bytes: totals.bytes };
}

describe('the totals of a session', () => {
  it('are zero before the first look', () => {
    expect(totalsOf()).toEqual({ frames: 0, bytes: 0 });
  });

  it('are those of the last look while there is one publish', () => {
    expect(totalsOf([1, 900], [30, 27_000], [30, 27_000])).toEqual({ frames: 30, bytes: 27_000 });
  });

  it('go on from where they were with each new publish', () => {
    expect(totalsOf([30, 27_000], [0, 0], [10, 9_000], [1, 800], [2, 1_600])).toEqual({ frames: 42, bytes: 37_600 });
  });
});
