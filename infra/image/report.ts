import type { ImageDescription } from './build.ts';
import type { ImageFigures } from './drive.ts';

export type Seen = ImageDescription & Omit<ImageFigures, 'marks'>;

/** What the image may take. The test card has 30 pictures a second; a viewer of fewer than half would complain. */
export const LIMITS = { sizeMb: 650, availableMs: 3_000, leastFps: 15 };

const number = (value: number) => value.toLocaleString('en');

/** The figures as lines for a person. */
export function report(seen: Seen): string {
  const [width, height] = seen.viewerSize;
  return [
    ['Image', `${seen.sizeMb} MB of at most ${LIMITS.sizeMb}, user ${seen.user || 'root'}`],
    ['Lists of parts', `${seen.listed.bundled} bundled with Node, ${seen.listed.debian} of Debian`],
    [
      'Chromium',
      `${seen.apart.secondUser ? 'a second user' : 'the user of the server'}, ${seen.apart.sandbox ? 'in' : 'without'} its sandbox`,
    ],
    ['AVAILABLE', `${number(seen.availableMs)} ms after docker run, of at most ${number(LIMITS.availableMs)}`],
    ['PUBLISHED', `${number(seen.invitedToPublishedMs)} ms after the invite`],
    ['First picture', `${number(seen.invitedToFirstFrameMs)} ms after the invite, at a viewer`],
    ['Decoded', `${seen.viewerFps} pictures a second of ${width} × ${height}`],
    ['Left the stage', `${number(seen.stopToLeftMs)} ms after SIGTERM`],
    ['Ended', `${number(seen.stopToEndMs)} ms after SIGTERM, with exit code ${seen.exitCode}`],
  ]
    .map(([name = '', text]) => `${name.padEnd(16)}${text}`)
    .join('\n');
}

/** @returns a sentence for each limit that is broken. */
export function brokenLimits(seen: Seen): string[] {
  const { sizeMb, availableMs, viewerFps, exitCode, user, apart } = seen;
  const isRoot = /^(|0|root)(:|$)/.test(user);
  return [
    sizeMb > LIMITS.sizeMb && `The image has ${sizeMb} MB; expected at most ${LIMITS.sizeMb}.`,
    isRoot && 'The image runs as root; expected another user.',
    !apart.secondUser &&
      !apart.sandbox &&
      'Chromium is the user of the server, without its sandbox; expected one of both to keep them apart.',
    availableMs > LIMITS.availableMs &&
      `AVAILABLE came after ${availableMs} ms; expected at most ${LIMITS.availableMs} ms.`,
    viewerFps < LIMITS.leastFps &&
      `The viewer decoded ${viewerFps} pictures a second; expected at least ${LIMITS.leastFps}.`,
    exitCode !== 0 && `The container ended with exit code ${exitCode}; expected 0.`,
  ].filter((sentence) => sentence !== false);
}
