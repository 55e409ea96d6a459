import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ChromiumError } from './errors.ts';
import { launchChromium } from './launch.ts';
import { runningProcesses } from './processes.ts';
import { findProtection } from './protection.ts';
import { secondUser } from './second-user.ts';

/** A launcher that notes what it is asked, and a place for what Chromium writes; the user stays the same. */
let folder: string;
let written: string;
let launcher: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'launcher-'));
  written = join(folder, 'written');
  await mkdir(written);
  launcher = await program('launcher', {
    probe: 'echo sandbox',
    start: 'echo $$ > pid; touch written/file; shift; exec "$@"',
    kill: 'kill -KILL "-$(cat pid)"',
    clean: 'rm written/*',
  });
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function program(name: string, commands: Record<string, string>): Promise<string> {
  const path = join(folder, name);
  const cases = Object.entries(commands).map(([command, script]) => `${command}) ${script} ;;`);
  const lines = ['#!/bin/sh', `cd ${folder}`, 'echo "$1" >> asked', 'case $1 in', ...cases, 'esac', ''];
  await writeFile(path, lines.join('\n'), { mode: 0o755 });
  return path;
}

async function browser(script: string): Promise<string> {
  const path = join(folder, 'chromium');
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

async function failure(executablePath: string, startTimeoutMs = 300): Promise<ChromiumError> {
  return await launchChromium({ launcher, executablePath, startTimeoutMs }).then(
    () => {
      throw new Error('the start was expected to fail');
    },
    (error: ChromiumError) => error,
  );
}

const asked = async () => (await readFile(join(folder, 'asked'), 'utf8')).trim().split('\n');

/** A running program in the place of Chromium. */
async function started(): Promise<ChildProcess & { pid: number }> {
  const child = spawn(launcher, ['start', await browser('echo "ready"; sleep 60')], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout, 'data');
  return child as typeof child & { pid: number };
}

describe('launchChromium with a launcher', () => {
  it('has it start Chromium with our flags and without our secrets, and kill and clean up at the end', async () => {
    process.env['AWS_SECRET_ACCESS_KEY'] = 'secret';
    const executablePath = await browser(
      'echo "$1" >&2; for last; do :; done; echo "$last" >&2; echo "$*" | grep -cE -e "--no-sandbox|--user-data-dir" >&2; env | grep -c ^AWS >&2; sleep 60',
    );
    const error = await failure(executablePath);
    delete process.env['AWS_SECRET_ACCESS_KEY'];
    expect(error.code).toEqual('CHROMIUM_START_TIMEOUT');
    expect(error.lastLines).toEqual(['--remote-debugging-pipe', 'about:blank', '0', '0']);
    expect(new Set(await asked())).toEqual(new Set(['probe', 'start', 'kill', 'clean']));
    expect((await asked()).at(-1)).toEqual('clean');
    expect(await readdir(written)).toEqual([]);
  });

  it('names Chromium, not the launcher, when it ends by itself, and has the rest of it killed', async () => {
    const executablePath = await browser('sleep 60 & echo "child $!" >&2; exit 3');
    const error = await failure(executablePath, 10_000);
    expect(error.message).toMatch(`${executablePath} ended with exit code 3.`);
    const child = Number(/child (\d+)/.exec(error.message)?.[1]);
    expect((await runningProcesses()).filter(({ pid }) => pid === child)).toEqual([]);
  });

  it('asks for the end again until it is there', async () => {
    await program('launcher', {
      start: 'echo $$ > pid; shift; exec "$@"',
      kill: 'if [ -e tried ]; then kill -KILL "-$(cat pid)"; fi; touch tried',
    });
    expect((await failure(await browser('sleep 60'))).code).toEqual('CHROMIUM_START_TIMEOUT');
    expect((await asked()).filter((command) => command === 'kill').length).toBeGreaterThanOrEqual(2);
  });
});

describe('findProtection', () => {
  it('asks the launcher about the sandbox of the second user', async () => {
    expect(await findProtection(launcher)).toEqual({ sandbox: true, secondUser: true, problem: null });
    await program('launcher', { probe: '' });
    expect(await findProtection(launcher)).toEqual({ sandbox: false, secondUser: true, problem: null });
  });

  it('keeps the user where the launcher cannot change it, and says why', async () => {
    await program('launcher', { probe: 'echo "not here" >&2; echo "more" >&2; exit 1' });
    expect(await findProtection(launcher)).toMatchObject({ secondUser: false, problem: 'not here' });
    const missing = join(folder, 'missing');
    expect(await findProtection(missing)).toMatchObject({
      secondUser: false,
      problem: `spawn ${missing} ENOENT`,
    });
  });

  it('has no problem without a launcher', async () => {
    expect(await findProtection()).toMatchObject({ secondUser: false, problem: null });
  });
});

describe('secondUser', () => {
  it('ends processes and files before end() returns', async () => {
    const child = await started();
    const exited = once(child, 'exit');
    secondUser(launcher, 'chromium', []).end(child.pid);
    expect((await asked()).slice(1)).toEqual(['kill', 'clean']);
    expect(await readdir(written)).toEqual([]);
    expect(await exited).toEqual([null, 'SIGKILL']);
  });

  it('never has two of its commands at work, since one kills the other', async () => {
    await program('launcher', { kill: 'sleep 0.1; echo killed >> asked', clean: 'echo cleaned >> asked' });
    const user = secondUser(launcher, 'chromium', []);
    await Promise.all([user.kill(1), user.clean()]);
    expect(await asked()).toEqual(['kill', 'killed', 'clean', 'cleaned']);
  });

  it('tells when it could not clean up, but not when it could not kill', async () => {
    await program('launcher', { kill: 'exit 1', clean: 'exit 1' });
    const user = secondUser(launcher, 'chromium', []);
    await user.kill(1);
    await expect(user.clean()).rejects.toThrow(`Command failed: ${launcher} clean`);
  });
});

describe('launcher.sh', () => {
  it('has sudo make it the second user, with the file descriptors of the debugger', async () => {
    const path = join(folder, 'sudo');
    await writeFile(path, '#!/bin/sh\nprintf "%s|" "$@"\n', { mode: 0o755 });
    const script = fileURLToPath(new URL('launcher.sh', import.meta.url));
    const env = { PATH: `${folder}${delimiter}${process.env['PATH']}` };
    const { stdout } = await promisify(execFile)('sh', [script, 'start', 'chromium', '--a b'], { env });
    expect(stdout).toEqual(
      ['-n', '-C', '5', '-u', 'browser', '--', script, 'start', 'chromium', '--a b', ''].join('|'),
    );
  });
});
