import type { VpStatus } from '../../machines/status.ts';
import type { InviteFigures } from '../local/demo/measure.ts';

/** What the services beside the image print, a line of JSON each. */
export type News =
  /** The stage, the API and the viewer are there; with these settings the image finds them. */
  | { type: 'ready'; settings: Readonly<Record<string, string>> }
  | { type: 'status'; status: VpStatus | null; epoch: number }
  /** The time of rest after AVAILABLE is over. */
  | { type: 'inviting' }
  /** The last of so many milliseconds of watching. The invite goes on. */
  | { type: 'watched'; figures: InviteFigures }
  /** The viewer was told that the virtual participant left the stage. */
  | { type: 'left' }
  | { type: 'failed'; message: string };

/** The `VP_ID` that the services wait for. */
export const VP_ID = 'image';

/** @throws {Error} that holds the line, if it is no news. */
export function parseNews(line: string): News {
  try {
    const news = JSON.parse(line);
    if (typeof news.type === 'string') return news;
  } catch {
    // Said below.
  }
  throw new Error(`Expected a line of JSON with a type from the services beside the image, got: ${line}`);
}
