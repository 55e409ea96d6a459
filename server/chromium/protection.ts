import { askLauncher } from './second-user.ts';
import { sandboxWorks } from './surroundings.ts';

/** What keeps a page that has broken out of its renderer away from this process. */
export interface Protection {
  /** Chromium's own sandbox. */
  readonly sandbox: boolean;
  /** Chromium runs as another user than this process. */
  readonly secondUser: boolean;
  /** Why there is no second user, although a launcher was given; else `null`. */
  readonly problem: string | null;
}

/**
 * Finds out what can be had here.
 *
 * @param launcher - Runs Chromium as another user: see `secondUser`. Default: none.
 */
export async function findProtection(launcher?: string): Promise<Protection> {
  if (launcher === undefined) return { sandbox: await sandboxWorks(), secondUser: false, problem: null };
  const answer = await askLauncher(launcher);
  if (answer.works) return { sandbox: answer.sandbox, secondUser: true, problem: null };
  return { sandbox: await sandboxWorks(), secondUser: false, problem: answer.problem };
}
