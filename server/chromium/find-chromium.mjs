/** Finds a Chromium. Plain JavaScript without packages, since infra/local/prepare.mjs needs it before any is installed. */
import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { posix, win32 } from 'node:path';

/**
 * What the search looks at: the real machine, or a fake in tests.
 *
 * @typedef {object} Machine
 * @property {NodeJS.ProcessEnv} env
 * @property {NodeJS.Platform} platform
 * @property {string} home
 * @property {(path: string) => boolean} isExecutable
 * @property {(folder: string) => string[]} list names in a folder, none when there is no such folder
 */

/** @type {Machine} */
export const thisMachine = {
  env: process.env,
  platform: process.platform,
  home: homedir(),
  isExecutable(path) {
    try {
      accessSync(path, constants.X_OK);
      return statSync(path).isFile();
    } catch {
      return false;
    }
  },
  list(folder) {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  },
};

/**
 * The Chromium to run: `PUPPETEER_EXECUTABLE_PATH` alone when it is set, else the first there is of the system's and of those
 * that Puppeteer downloaded (newest first).
 *
 * @param {{headless?: boolean, machine?: Machine}} [options] `headless` (default true) prefers Debian's `chromium-headless-shell`,
 *   which has the same media engine, no window, and needs 130 MB less than the full browser.
 * @returns {{executablePath: string | undefined, tried: string[]}} `tried` names each place looked at, for the message when
 *   nothing was found.
 */
export function findChromium({ headless = true, machine = thisMachine } = {}) {
  const named = machine.env['PUPPETEER_EXECUTABLE_PATH'];
  if (named) {
    const executablePath = machine.isExecutable(named) ? named : undefined;
    return { executablePath, tried: [`PUPPETEER_EXECUTABLE_PATH=${named}`] };
  }
  const places = [...systemPlaces(machine, headless), ...puppeteerPlaces(machine)];
  const executablePath = places.flatMap(({ paths }) => paths).find(machine.isExecutable);
  return { executablePath, tried: places.map(({ name }) => name) };
}

/**
 * @param {Machine} machine
 * @param {boolean} headless
 * @returns {{name: string, paths: string[]}[]}
 */
function systemPlaces({ env, platform, home }, headless) {
  if (platform === 'darwin') {
    return ['Google Chrome', 'Chromium'].flatMap((app) =>
      ['/Applications', posix.join(home, 'Applications')].map((folder) => {
        const name = posix.join(folder, `${app}.app`);
        return { name, paths: [posix.join(name, 'Contents/MacOS', app)] };
      }),
    );
  }
  if (platform === 'win32') {
    return ['ProgramFiles', 'ProgramFiles(x86)', 'LOCALAPPDATA'].flatMap((variable) => {
      const folder = env[variable];
      if (!folder) return [];
      const name = win32.join(folder, 'Google\\Chrome\\Application\\chrome.exe');
      return [{ name, paths: [name] }];
    });
  }
  // chromium-browser comes last: on Ubuntu it is a stub that only works where the snap is installed too.
  const names = ['chromium', 'google-chrome-stable', 'google-chrome', 'chromium-browser'];
  const folders = (env['PATH'] ?? '').split(':').filter(Boolean);
  return [...(headless ? ['chromium-headless-shell'] : []), ...names].map((name) => ({
    name: `${name} in PATH`,
    paths: folders.map((folder) => posix.join(folder, name)),
  }));
}

/**
 * What `npx puppeteer browsers install chrome` made: `<cache>/chrome/<platform>-<version>/chrome-<platform>/<program>`.
 *
 * @param {Machine} machine
 * @returns {{name: string, paths: string[]}[]}
 */
function puppeteerPlaces({ env, platform, home, list }) {
  const { join } = platform === 'win32' ? win32 : posix;
  const folder = join(env['PUPPETEER_CACHE_DIR'] ?? join(home, '.cache', 'puppeteer'), 'chrome');
  const newestFirst = list(folder).sort((a, b) => b.localeCompare(a, 'en', { numeric: true }));
  const program =
    { darwin: 'Google Chrome for Testing.app/Contents/MacOS/Google Chrome for Testing', win32: 'chrome.exe' }[
      /** @type {string} */ (platform)
    ] ?? 'chrome';
  const paths = newestFirst.flatMap((version) =>
    list(join(folder, version)).map((archive) => join(folder, version, archive, program)),
  );
  return [{ name: `Puppeteer's downloads in ${folder}`, paths }];
}
