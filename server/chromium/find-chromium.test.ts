import { findChromium } from './find-chromium.mjs';

function machine(platform: NodeJS.Platform, executables: string[], env: NodeJS.ProcessEnv = {}) {
  return {
    platform,
    env: { PATH: '/usr/local/bin:/usr/bin', ...env },
    home: platform === 'win32' ? 'C:\\Users\\ada' : '/home/ada',
    isExecutable: (path: string) => executables.includes(path),
    list: (folder: string) => {
      const inside = executables.filter((path) => path.startsWith(`${folder}/`));
      return [...new Set(inside.map((path) => path.slice(folder.length + 1).split('/')[0] ?? ''))];
    },
  };
}

describe('findChromium', () => {
  const cache = '/home/ada/.cache/puppeteer/chrome';

  it.each<[string, NodeJS.Platform, string[], string | undefined]>([
    [
      'the first in the order of PATH',
      'linux',
      ['/usr/bin/chromium', '/usr/local/bin/chromium'],
      '/usr/local/bin/chromium',
    ],
    [
      'the headless shell before the full browser',
      'linux',
      ['/usr/bin/chromium', '/usr/bin/chromium-headless-shell'],
      '/usr/bin/chromium-headless-shell',
    ],
    [
      'Chrome before the chromium-browser stub of Ubuntu',
      'linux',
      ['/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
      '/usr/bin/google-chrome',
    ],
    [
      "the newest of Puppeteer's downloads, by number and not by letter",
      'linux',
      [`${cache}/linux-99.0.1.2/chrome-linux64/chrome`, `${cache}/linux-148.0.1.2/chrome-linux64/chrome`],
      `${cache}/linux-148.0.1.2/chrome-linux64/chrome`,
    ],
    [
      'Chrome on macOS',
      'darwin',
      ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'],
      '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    ],
    [
      'Chromium in the own Applications folder on macOS',
      'darwin',
      ['/home/ada/Applications/Chromium.app/Contents/MacOS/Chromium'],
      '/home/ada/Applications/Chromium.app/Contents/MacOS/Chromium',
    ],
    ['nothing when there is none', 'linux', [], undefined],
  ])('finds %s', (_title, platform, executables, expected) => {
    expect(findChromium({ machine: machine(platform, executables) }).executablePath).toEqual(expected);
  });

  it('finds Chrome on Windows through the variables of the program folders', () => {
    const chrome = 'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe';
    const windows = machine('win32', [chrome], { ProgramFiles: 'C:\\Program Files' });
    expect(findChromium({ machine: windows }).executablePath).toEqual(chrome);
  });

  it('passes over the headless shell when a window is wanted', () => {
    const both = machine('linux', ['/usr/bin/chromium', '/usr/bin/chromium-headless-shell']);
    expect(findChromium({ headless: false, machine: both }).executablePath).toEqual('/usr/bin/chromium');
  });

  it('takes PUPPETEER_EXECUTABLE_PATH before everything else', () => {
    const env = { PUPPETEER_EXECUTABLE_PATH: '/opt/chrome' };
    expect(findChromium({ machine: machine('linux', ['/usr/bin/chromium', '/opt/chrome'], env) })).toEqual({
      executablePath: '/opt/chrome',
      tried: ['PUPPETEER_EXECUTABLE_PATH=/opt/chrome'],
    });
  });

  it('finds nothing when PUPPETEER_EXECUTABLE_PATH names no program, whatever else is installed', () => {
    const env = { PUPPETEER_EXECUTABLE_PATH: '/opt/chrome' };
    expect(findChromium({ machine: machine('linux', ['/usr/bin/chromium'], env) })).toEqual({
      executablePath: undefined,
      tried: ['PUPPETEER_EXECUTABLE_PATH=/opt/chrome'],
    });
  });

  it('names every place it looked at', () => {
    expect(findChromium({ machine: machine('linux', []) }).tried).toEqual([
      'chromium-headless-shell in PATH',
      'chromium in PATH',
      'google-chrome-stable in PATH',
      'google-chrome in PATH',
      'chromium-browser in PATH',
      `Puppeteer's downloads in ${cache}`,
    ]);
  });
});
