import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { killGroup } from './group.ts';
import type { ChromiumUser } from './user.ts';

/**
 * The user of this process, for a Chromium with a profile of its own.
 *
 * @param executablePath - Chromium.
 * @param temporaryFolder - Where the profile is made.
 * @param flags - For Chromium.
 */
export async function ownUser(
  executablePath: string,
  temporaryFolder: string,
  flags: readonly string[],
): Promise<ChromiumUser> {
  const profile = await mkdtemp(join(temporaryFolder, 'vp-chromium-'));
  return {
    program: executablePath,
    args: [`--user-data-dir=${profile}`, ...flags],
    environment: foldersIn(profile),
    async kill(pid) {
      killGroup(pid);
    },
    clean: () => rm(profile, { recursive: true, force: true, maxRetries: 5 }),
    end(pid) {
      killGroup(pid);
      rmSync(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
    },
  };
}

/** Where Chromium puts what it does not keep in its profile: sockets and shared memory, crash reports. A killed one leaves them behind. */
function foldersIn(profile: string): NodeJS.ProcessEnv {
  return process.platform === 'linux' ? { TMPDIR: profile, XDG_CONFIG_HOME: profile } : {};
}
