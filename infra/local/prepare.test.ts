import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PrepareError, prepare } from './prepare.mjs';

const LOCK = {
  '': { name: 'project' },
  'node_modules/ws': { version: '8.0.0', integrity: 'sha512-a' },
  'node_modules/@swc/core': { version: '1.0.0', integrity: 'sha512-b' },
  'node_modules/@swc/core-darwin-arm64': { version: '1.0.0', integrity: 'sha512-c', optional: true },
};
const INSTALLED = {
  'node_modules/ws': { version: '8.0.0', integrity: 'sha512-a' },
  'node_modules/@swc/core': { version: '1.0.0', integrity: 'sha512-b' },
};
const PUPPETEER = ['browsers', 'install', 'chrome'];

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'prepare-'));
  await mkdir(join(root, 'node_modules/puppeteer'), { recursive: true });
  await write('package.json', { engines: { node: '>=20.19' } });
  await write('package-lock.json', { packages: LOCK });
  await write('node_modules/.package-lock.json', { packages: INSTALLED });
  await write('node_modules/puppeteer/package.json', { bin: 'cli.js' });
});

afterEach(() => rm(root, { recursive: true }));

function write(path: string, content: unknown): Promise<void> {
  return writeFile(join(root, path), JSON.stringify(content));
}

/** Surroundings in which `results` says how commands end (default: well) and which one brings a Chromium. */
function fake({
  results = {},
  chromiumAfter,
  ...changes
}: {
  results?: Record<string, { code: number; output: string }>;
  chromiumAfter?: string;
  nodeVersion?: string;
  mayUseApt?: boolean;
  env?: NodeJS.ProcessEnv;
} = {}) {
  const commands: string[][] = [];
  let installed = chromiumAfter === undefined;
  const surroundings = {
    root,
    nodeVersion: '20.19.0',
    mayUseApt: false,
    env: {},
    ...changes,
    find: () => ({
      executablePath: installed ? '/usr/bin/chromium' : undefined,
      tried: ['chromium in PATH', 'elsewhere'],
    }),
    run: async (_title: string, command: string[]) => {
      commands.push(command.filter((word) => word !== process.execPath));
      const line = command.join(' ');
      const [, result] = Object.entries(results).find(([part]) => line.includes(part)) ?? [];
      if (chromiumAfter && line.includes(chromiumAfter) && !result) installed = true;
      return result ?? { code: 0, output: '' };
    },
  };
  return { surroundings, commands };
}

describe('prepare', () => {
  it.each(['20.19.0', '20.19.5', '22.0.0', '24.1.0'])(
    'runs nothing on Node %s when all is there',
    async (nodeVersion) => {
      const { surroundings, commands } = fake({ nodeVersion });
      await prepare({ chromium: true }, surroundings);
      expect(commands).toEqual([]);
    },
  );

  it.each(['18.20.4', '20.18.9'])('refuses Node %s by one line', async (nodeVersion) => {
    const { surroundings } = fake({ nodeVersion });
    await expect(prepare({ chromium: false }, surroundings)).rejects.toThrow(
      new PrepareError(`Node 20.19 or newer is needed, this is ${nodeVersion}. Get one from https://nodejs.org/`),
    );
  });

  it.each<[string, unknown]>([
    ['another version', { ...INSTALLED, 'node_modules/ws': { version: '7.0.0', integrity: 'sha512-a' } }],
    [
      'other content of the same version',
      { ...INSTALLED, 'node_modules/ws': { version: '8.0.0', integrity: 'sha512-x' } },
    ],
    ['a package less', { 'node_modules/ws': INSTALLED['node_modules/ws'] }],
  ])('runs npm ci when node_modules holds %s', async (_title, packages) => {
    await write('node_modules/.package-lock.json', { packages });
    const { surroundings, commands } = fake();
    await prepare({ chromium: false }, surroundings);
    expect(commands).toEqual([['npm', 'ci', '--loglevel=warn']]);
  });

  it('runs npm ci by the npm that started it when an install was cut off or never made', async () => {
    await rm(join(root, 'node_modules/.package-lock.json'));
    const { surroundings, commands } = fake({ env: { npm_execpath: '/usr/lib/npm-cli.js' } });
    await prepare({ chromium: false }, surroundings);
    expect(commands).toEqual([['/usr/lib/npm-cli.js', 'ci', '--loglevel=warn']]);
  });

  it('shows all that npm said when it fails', async () => {
    await rm(join(root, 'node_modules/.package-lock.json'));
    const { surroundings } = fake({
      results: { 'npm ci': { code: 1, output: 'npm error code E404\nnpm error 404 gone\n' } },
    });
    await expect(prepare({ chromium: true }, surroundings)).rejects.toThrow(
      new PrepareError('npm ci failed (exit code 1):\n\nnpm error code E404\nnpm error 404 gone'),
    );
  });

  it("installs Debian's package as root on Debian, and starts it once", async () => {
    const { surroundings, commands } = fake({ mayUseApt: true, chromiumAfter: 'apt-get install' });
    await prepare({ chromium: true }, surroundings);
    expect(commands).toEqual([
      ['apt-get', 'update'],
      ['apt-get', 'install', '-y', '--no-install-recommends', 'chromium'],
      ['/usr/bin/chromium', '--version'],
    ]);
  });

  it('has Puppeteer download Chrome elsewhere', async () => {
    const { surroundings, commands } = fake({ chromiumAfter: 'browsers install' });
    await prepare({ chromium: true }, surroundings);
    expect(commands).toEqual([
      [join(root, 'node_modules/puppeteer/cli.js'), ...PUPPETEER],
      ['/usr/bin/chromium', '--version'],
    ]);
  });

  it('looks for no Chromium unless asked to', async () => {
    const { surroundings, commands } = fake({ chromiumAfter: 'browsers install' });
    await prepare({ chromium: false }, surroundings);
    expect(commands).toEqual([]);
  });

  it('says what it looked for, what it tried and what to do when nothing brings a Chromium that starts', async () => {
    const { surroundings } = fake({
      mayUseApt: true,
      chromiumAfter: 'browsers install',
      results: {
        'apt-get update': { code: 100, output: 'Err:1 http://deb.debian.org\nE: Failed to fetch\n' },
        '/usr/bin/chromium --version': { code: 127, output: 'Error: no libnss3.so\n    at start (cli.js:1:2)\n' },
      },
    });
    await expect(prepare({ chromium: true }, surroundings)).rejects.toThrow(
      new PrepareError(
        [
          'There is no Chromium here that works.',
          'Looked for:',
          '  chromium in PATH',
          '  elsewhere',
          'Tried to install:',
          "  Debian's package: exit code 100: Err:1 http://deb.debian.org / E: Failed to fetch",
          "  Puppeteer's download: exit code 127: Error: no libnss3.so",
          'Install Google Chrome or Chromium, or set PUPPETEER_EXECUTABLE_PATH to the program of one, and run this again.',
        ].join('\n'),
      ),
    );
  });

  it('installs nothing when PUPPETEER_EXECUTABLE_PATH names a program that is not there', async () => {
    const env = { PUPPETEER_EXECUTABLE_PATH: '/opt/chrome' };
    const { surroundings, commands } = fake({ mayUseApt: true, chromiumAfter: 'apt-get install', env });
    await expect(prepare({ chromium: true }, surroundings)).rejects.toThrow('There is no Chromium here that works.');
    expect(commands).toEqual([]);
  });
});
