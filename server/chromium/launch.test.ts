import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChromiumError } from './errors.ts';
import { type ChromiumOptions, launchChromium } from './launch.ts';
import { runningProcesses } from './processes.ts';

/** Programs in the place of Chromium; the profiles of all go into `folder`. */
let folder: string;
let programs: string;

beforeEach(async () => {
  programs = await mkdtemp(join(tmpdir(), 'programs-'));
  folder = await mkdtemp(join(tmpdir(), 'profiles-'));
});

afterEach(async () => {
  await Promise.all([programs, folder].map((path) => rm(path, { recursive: true })));
});

async function program(script: string): Promise<string> {
  const path = join(programs, 'chromium');
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

async function failure(options: ChromiumOptions): Promise<ChromiumError> {
  return await launchChromium({ temporaryFolder: folder, ...options }).then(
    () => {
      throw new Error('the start was expected to fail');
    },
    (error: ChromiumError) => error,
  );
}

describe('launchChromium', () => {
  it('tells exit code and last lines of a program that ends at once, and leaves no profile', async () => {
    const executablePath = await program('echo "first" >&2; echo "No usable sandbox!" >&2; exit 3');
    const error = await failure({ executablePath });
    expect(error.code).toEqual('CHROMIUM_EXITED');
    expect(error.message).toEqual(
      `${executablePath} ended with exit code 3. Its last lines:\n  first\n  No usable sandbox!`,
    );
    expect(await readdir(folder)).toEqual([]);
  });

  it('keeps the last 20 lines, without participant tokens', async () => {
    const executablePath = await program(
      'seq 1 30 >&2; echo "http://127.0.0.1/?token=eyJhbGciOiJFUzM4NCJ9.eyJqdGkiOiJ4In0.c2ln-Yg_ end" >&2; exit 1',
    );
    const expected = Array.from({ length: 19 }, (_, index) => `${index + 12}`);
    expect((await failure({ executablePath })).lastLines).toEqual([...expected, 'http://127.0.0.1/?token=(token) end']);
  });

  it('hands none of our secrets to the program', async () => {
    process.env['AWS_SECRET_ACCESS_KEY'] = 'secret';
    const executablePath = await program('env | grep -E "^(AWS|EXTRA|PATH)" | sort >&2; exit 1');
    const error = await failure({ executablePath, env: { EXTRA: '1' } });
    delete process.env['AWS_SECRET_ACCESS_KEY'];
    expect(error.lastLines.map((line) => line.split('=')[0])).toEqual(['EXTRA', 'PATH']);
  });

  it('kills a program that is not ready in time, with all it started', async () => {
    const executablePath = await program('sleep 60 & echo "child $!" >&2; wait');
    const error = await failure({ executablePath, startTimeoutMs: 300 });
    expect(error.code).toEqual('CHROMIUM_START_TIMEOUT');
    const child = Number(/child (\d+)/.exec(error.message)?.[1]);
    expect((await runningProcesses()).filter(({ pid }) => pid === child)).toEqual([]);
    expect(await readdir(folder)).toEqual([]);
  });

  it('ends the start when the signal aborts, with its reason as the cause', async () => {
    const executablePath = await program('sleep 60');
    const reason = new Error('kicked');
    const abort = new AbortController();
    const failed = failure({ executablePath, signal: abort.signal });
    setTimeout(() => abort.abort(reason), 50);
    expect(await failed).toMatchObject({ code: 'CHROMIUM_ABORTED', cause: reason });
    expect(await failure({ executablePath, signal: abort.signal })).toMatchObject({
      code: 'CHROMIUM_ABORTED',
      cause: reason,
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('names a program that cannot be started, and leaves no profile', async () => {
    const executablePath = join(programs, 'missing');
    const error = await failure({ executablePath });
    expect(error.code).toEqual('CHROMIUM_START_FAILED');
    expect(error.message).toEqual(`${executablePath} could not be started: spawn ${executablePath} ENOENT.`);
    expect(await readdir(folder)).toEqual([]);
  });

  it('says what was looked for and what to do when there is no Chromium', async () => {
    const named = process.env['PUPPETEER_EXECUTABLE_PATH'];
    process.env['PUPPETEER_EXECUTABLE_PATH'] = '/missing/chrome';
    const error = await failure({});
    if (named === undefined) delete process.env['PUPPETEER_EXECUTABLE_PATH'];
    else process.env['PUPPETEER_EXECUTABLE_PATH'] = named;
    expect(error.code).toEqual('CHROMIUM_NOT_FOUND');
    expect(error.message).toEqual(
      'There is no Chromium here. Looked for: PUPPETEER_EXECUTABLE_PATH=/missing/chrome. ' +
        'Install Chrome or Chromium, or set PUPPETEER_EXECUTABLE_PATH to one.',
    );
  });
});
