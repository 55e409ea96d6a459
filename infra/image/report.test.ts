import { brokenLimits, LIMITS, report, type Seen } from './report.ts';

const GOOD: Seen = {
  image: 'virtual-participant:verify',
  sizeMb: LIMITS.sizeMb,
  user: '10001:10001',
  listed: { bundled: 129, debian: 186 },
  availableMs: LIMITS.availableMs,
  invitedToPublishedMs: 240,
  invitedToFirstFrameMs: 230,
  viewerFps: LIMITS.leastFps,
  viewerSize: [1_280, 720],
  stopToLeftMs: 150,
  stopToEndMs: 1_250,
  exitCode: 0,
  apart: { sandbox: false, secondUser: true },
};

describe('The limits of the image', () => {
  it('are kept by an image that just keeps each', () => {
    expect(brokenLimits(GOOD)).toEqual([]);
  });

  it.each<[Partial<Seen>, string]>([
    [{ sizeMb: 651 }, 'The image has 651 MB; expected at most 650.'],
    [{ user: '' }, 'The image runs as root; expected another user.'],
    [{ user: '0:0' }, 'The image runs as root; expected another user.'],
    [{ user: 'root' }, 'The image runs as root; expected another user.'],
    [{ availableMs: 3_001 }, 'AVAILABLE came after 3001 ms; expected at most 3000 ms.'],
    [{ viewerFps: 14.9 }, 'The viewer decoded 14.9 pictures a second; expected at least 15.'],
    [{ exitCode: 137 }, 'The container ended with exit code 137; expected 0.'],
    [
      { apart: { sandbox: false, secondUser: false } },
      'Chromium is the user of the server, without its sandbox; expected one of both to keep them apart.',
    ],
  ])('are broken by %j: a sentence says so', (change, sentence) => {
    expect(brokenLimits({ ...GOOD, ...change })).toEqual([sentence]);
  });
});

describe('The report', () => {
  it('tells each figure beside its limit', () => {
    expect(report(GOOD).split('\n')).toEqual([
      'Image           650 MB of at most 650, user 10001:10001',
      'Lists of parts  129 bundled with Node, 186 of Debian',
      'Chromium        a second user, without its sandbox',
      'AVAILABLE       3,000 ms after docker run, of at most 3,000',
      'PUBLISHED       240 ms after the invite',
      'First picture   230 ms after the invite, at a viewer',
      'Decoded         15 pictures a second of 1280 × 720',
      'Left the stage  150 ms after SIGTERM',
      'Ended           1,250 ms after SIGTERM, with exit code 0',
    ]);
  });
});
