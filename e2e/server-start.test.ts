import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type AppSyncServer, DEFAULT_CREDENTIALS, startAppSync } from '../infra/local/appsync/server.ts';
import { BUILT } from '../infra/local/demo/build.ts';
import { processTree, runningProcesses } from '../server/chromium/processes.ts';
import { until } from './support/virtual-participant.ts';

type Environment = Readonly<Record<string, string>>;
type Line = Record<string, unknown>;

/** A server that was started, and all that it wrote. */
interface Run {
  readonly pid: number;
  readonly child: ChildProcess;
  readonly lines: Line[];
  readonly stderr: string[];
  readonly exited: Promise<{ code: number | null; signal: string | null; afterMs: number }>;
}

const ANY_PORTS = { PAGE_PORT: '0', WEBSOCKET_PORT: '0', HEALTH_PORT: '0' };
/** Where nothing listens. */
const NO_API = {
  GRAPHQL_API_URL: 'http://127.0.0.1:9/graphql',
  AWS_REGION: 'us-west-2',
  AWS_ACCESS_KEY_ID: DEFAULT_CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: DEFAULT_CREDENTIALS.secretAccessKey,
};
const USABLE = { ...ANY_PORTS, ...NO_API, ASSETS_DIR: 'assets' };

/** Where profiles of Chromium go. */
let folder: string;
let runs: Run[];
let api: AppSyncServer | null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'vp-start-'));
  runs = [];
  api = null;
});
afterEach(async () => {
  for (const { child, exited } of runs) {
    child.kill('SIGTERM');
    await exited;
  }
  await api?.close();
  await rm(folder, { recursive: true, force: true });
});

function start(environment: Environment): Run {
  const { PATH, HOME, PUPPETEER_EXECUTABLE_PATH } = process.env;
  const startedMs = performance.now();
  const child = spawn(process.execPath, [BUILT.server], {
    env: {
      PATH,
      HOME,
      ...(PUPPETEER_EXECUTABLE_PATH && { PUPPETEER_EXECUTABLE_PATH }),
      TMPDIR: folder,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: Line[] = [];
  const stderr: string[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => lines.push(JSON.parse(line)));
  createInterface({ input: child.stderr }).on('line', (line) => stderr.push(line));
  const exited = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
    afterMs: performance.now() - startedMs,
  }));
  const run = { pid: child.pid ?? 0, child, lines, stderr, exited };
  runs.push(run);
  return run;
}

async function untilLine(run: Run, what: string, matches: (line: Line) => boolean, timeoutMs = 10_000): Promise<Line> {
  await until(
    () => run.lines.some(matches),
    timeoutMs,
    () => `There was no line ${what}: ${JSON.stringify(run.lines)} ${run.stderr}`,
  );
  return run.lines.find(matches) ?? {};
}

const untilStarted = (run: Run) => untilLine(run, 'started', ({ msg }) => msg === 'started');

async function listening(port = 0, host = '0.0.0.0'): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  return { server, port: typeof address === 'object' ? (address?.port ?? 0) : 0 };
}

async function health(port: unknown, path: string): Promise<{ status: number; failing: string[] }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  const { checks } = (await response.json()) as { checks: Record<string, { ok: boolean }> };
  const failing = Object.entries(checks).filter(([, { ok }]) => !ok);
  return { status: response.status, failing: failing.map(([name]) => name) };
}

async function stillRunning(pids: readonly number[]): Promise<number[]> {
  return (await runningProcesses()).map(({ pid }) => pid).filter((pid) => pids.includes(pid));
}

describe('A server that cannot start exits with code 1, and says why in one line', () => {
  async function endOf(environment: Environment) {
    const run = start(environment);
    const { code } = await run.exited;
    return { code, stderr: run.stderr, lines: run.lines, left: await readdir(folder) };
  }
  const ended = (...stderr: unknown[]) => ({ code: 1, stderr, lines: [], left: [] });

  it('without any setting', async () => {
    expect(await endOf({})).toEqual(
      ended(
        'GRAPHQL_API_URL is not set; expected the address of the GraphQL API that invites, or PARTICIPANT_TOKEN instead.',
      ),
    );
  });

  it('with several wrong settings, all of them at once', async () => {
    const wrong = { GRAPHQL_API_URL: 'ftp://x', PAGE_PORT: '70000', LOG_LEVEL: 'loud' };
    expect(await endOf({ ...USABLE, ...wrong })).toEqual(
      ended(
        'GRAPHQL_API_URL is "ftp://x"; expected an address that begins with https:// or http://, without a user name or password. ' +
          'PAGE_PORT is "70000"; expected a whole number from 0 to 65535. ' +
          'LOG_LEVEL is "loud"; expected one of trace, debug, info, warn, error, fatal, silent.',
      ),
    );
  });

  it('with a folder of assets that is not there', async () => {
    expect(await endOf({ ...USABLE, ASSETS_DIR: 'no/such/folder' })).toEqual(
      ended('ASSETS_DIR is "no/such/folder"; expected an existing folder.'),
    );
  });

  it.each(['PAGE_PORT', 'WEBSOCKET_PORT', 'HEALTH_PORT'])('with %s taken', async (name) => {
    const { server, port } = await listening();
    const { code, stderr, left } = await endOf({ ...USABLE, [name]: String(port) });
    server.close();
    expect([code, left, stderr]).toEqual([1, [], [expect.stringContaining(name)]]);
    expect(stderr[0]).toMatch(new RegExp(`[Pp]ort ${port} (of 127.0.0.1 )?is taken`));
  });

  it('with a PUPPETEER_EXECUTABLE_PATH that does not exist', async () => {
    expect(await endOf({ ...USABLE, PUPPETEER_EXECUTABLE_PATH: '/no/chromium' })).toEqual(
      ended('PUPPETEER_EXECUTABLE_PATH is "/no/chromium"; expected the path of a program.'),
    );
  });

  it('with a PUPPETEER_EXECUTABLE_PATH that is no program', async () => {
    const path = join(folder, 'chromium');
    await writeFile(path, '', { mode: 0o644 });
    expect(await endOf({ ...USABLE, PUPPETEER_EXECUTABLE_PATH: path })).toEqual({
      ...ended(`PUPPETEER_EXECUTABLE_PATH is "${path}"; expected the path of a program.`),
      left: ['chromium'],
    });
  });

  it('with a PUPPETEER_EXECUTABLE_PATH that is no browser, besides what that wrote', async () => {
    const { code, stderr, left } = await endOf({ ...USABLE, PUPPETEER_EXECUTABLE_PATH: process.execPath });
    expect([code, left]).toEqual([1, []]);
    expect(stderr[0]).toBe(
      `PUPPETEER_EXECUTABLE_PATH is "${process.execPath}"; expected a Chromium. ${process.execPath} ended with exit code 9. Its last lines:`,
    );
  });
});

describe('A server without its API', () => {
  it('runs, says so once, is alive but not ready, and is ready once the API is there', async () => {
    const { server, port } = await listening(0, '127.0.0.1');
    server.close();
    const run = start({ ...USABLE, GRAPHQL_API_URL: `http://127.0.0.1:${port}/graphql`, LOG_LEVEL: 'debug' });
    const { healthPort } = await untilStarted(run);
    await until(
      async () => (await health(healthPort, '/readyz')).failing.join() === 'control',
      10_000,
      () => 'It did not say that the control plane is missing',
    );

    expect(await health(healthPort, '/livez')).toEqual({ status: 200, failing: [] });
    expect(await health(healthPort, '/readyz')).toEqual({ status: 503, failing: ['control'] });
    const unreachable = () => run.lines.filter(({ kind }) => kind === 'unreachable').map(({ level }) => level);
    await until(
      () => unreachable().length >= 3,
      10_000,
      () => 'It does not try again',
    );
    expect(unreachable().filter((level) => level !== 'debug')).toEqual(['warn']);

    api = await startAppSync({ port });
    await until(
      async () => (await health(healthPort, '/readyz')).status === 200,
      15_000,
      () => `It did not become ready: ${JSON.stringify(run.lines.slice(-5))}`,
    );
    run.child.kill('SIGTERM');
    expect((await run.exited).code).toBe(0);
  }, 40_000);
});

describe('A server that is asked to stop', () => {
  async function running(): Promise<{ run: Run; processes: number[] }> {
    const run = start(USABLE);
    await untilStarted(run);
    return { run, processes: await processTree(run.pid) };
  }

  it.each(['SIGTERM', 'SIGINT'] as const)('by %s exits with code 0 within 5 s and leaves nothing', async (signal) => {
    const { run, processes } = await running();
    expect(processes.length).toBeGreaterThan(2);
    const beganMs = performance.now();
    run.child.kill(signal);
    const { code } = await run.exited;
    expect(performance.now() - beganMs).toBeLessThan(5_000);
    expect([code, await stillRunning(processes), await readdir(folder), run.stderr]).toEqual([0, [], [], []]);
  });

  it('exits at once by a second signal, with another code, and leaves nothing', async () => {
    const { run, processes } = await running();
    // It finds both when it wakes: one that is free may be gone before a second one is sent.
    run.child.kill('SIGSTOP');
    run.child.kill('SIGTERM');
    run.child.kill('SIGINT');
    const beganMs = performance.now();
    run.child.kill('SIGCONT');
    const { code } = await run.exited;
    expect(performance.now() - beganMs).toBeLessThan(500);
    expect([code, await stillRunning(processes), await readdir(folder)]).toEqual([1, [], []]);
  });

  it('while it still starts exits with code 0', async () => {
    const run = start(USABLE);
    await until(
      async () => (await processTree(run.pid)).length > 1,
      10_000,
      () => 'It started no Chromium',
    );
    const processes = await processTree(run.pid);
    run.child.kill('SIGTERM');
    const { code } = await run.exited;
    expect([code, await stillRunning(processes), await readdir(folder)]).toEqual([0, [], []]);
  });
});

describe('A server with its API', () => {
  it('becomes AVAILABLE', async () => {
    api = await startAppSync({ port: 0 });
    const beganMs = performance.now();
    const run = start({ ...USABLE, GRAPHQL_API_URL: api.url });
    await untilLine(run, 'AVAILABLE', ({ msg, status }) => msg === 'status' && status === 'AVAILABLE');
    const startMs = performance.now() - beganMs;
    const rss = /VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${run.pid}/status`, 'utf8').catch(() => ''))?.[1];
    process.stdout.write(
      `Start to AVAILABLE: ${Math.round(startMs)} ms; RSS of the server: ${Number(rss) / 1_024} MB\n`,
    );
    run.child.kill('SIGTERM');
    expect((await run.exited).code).toBe(0);
  });
});
