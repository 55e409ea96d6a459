import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { chromiumEnvironment } from './environment.ts';
import type { ChromiumUser } from './user.ts';

/** How long the launcher may take to answer. Usual: 10 to 40 ms; it waits a second for files that cannot be removed yet. */
const ANSWER_TIMEOUT_MS = 5_000;

/** What a launcher says of itself. */
export type LauncherAnswer =
  /** Whether Chromium's sandbox works for the second user. */
  | { readonly works: true; readonly sandbox: boolean }
  /** Why there can be no second user here. */
  | { readonly works: false; readonly problem: string };

/**
 * Asks a launcher whether it can run Chromium as another user here. It cannot, for example, where the container forbids any process to
 * become another user (`no-new-privileges`), or where the server is not the user that may.
 *
 * @param launcher - See {@link secondUser}.
 */
export async function askLauncher(launcher: string): Promise<LauncherAnswer> {
  try {
    return { works: true, sandbox: (await run(launcher, ['probe'])).split('\n').includes('sandbox') };
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    return { works: false, problem: stderr?.trim().split('\n')[0] || message };
  }
}

/**
 * Another user than that of this process, who owns all that Chromium writes. There is one Chromium at a time: each one ends what is left
 * of that user's processes and files, and so does its own end.
 *
 * @param launcher - A program that does as `launcher.sh` beside this file.
 * @param executablePath - Chromium.
 * @param flags - For Chromium.
 */
export function secondUser(launcher: string, executablePath: string, flags: readonly string[]): ChromiumUser {
  let last: Promise<unknown> = Promise.resolve();
  /** One after the other, since `kill` would also end another that is at work. */
  const inTurn = (command: 'kill' | 'clean') => {
    const done = last.then(() => run(launcher, [command]));
    last = done.catch(() => {});
    return done;
  };
  return {
    program: launcher,
    args: ['start', executablePath, ...flags],
    environment: {},
    async kill() {
      await inTurn('kill').catch(() => {});
    },
    async clean() {
      await inTurn('clean');
    },
    end() {
      for (const command of ['kill', 'clean']) {
        spawnSync(launcher, [command], { env: environment(), stdio: 'ignore', timeout: ANSWER_TIMEOUT_MS });
      }
    },
  };
}

async function run(launcher: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(launcher, args, { env: environment(), timeout: ANSWER_TIMEOUT_MS });
  return stdout;
}

/** Nothing that the second user must not know. */
const environment = () => chromiumEnvironment(process.env);
