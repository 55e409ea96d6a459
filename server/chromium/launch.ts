import { type ChildProcess, spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import puppeteer, { type Browser } from 'puppeteer';
import { chromiumEnvironment } from './environment.ts';
import { ChromiumError, type ChromiumErrorCode } from './errors.ts';
import { findChromium } from './find-chromium.mjs';
import { chromiumFlags } from './flags.ts';
import { ownUser } from './own-user.ts';
import { pipeTransport } from './pipe-transport.ts';
import { findProtection, type Protection } from './protection.ts';
import { secondUser } from './second-user.ts';
import { type SupervisedProcess, supervise } from './supervise.ts';
import { hasRoute, sharedMemoryIsSmall } from './surroundings.ts';

export interface ChromiumOptions {
  /** The program. Default: what `findChromium` finds. */
  executablePath?: string;
  /** Without a window, and without sound from the speakers. Default: true. */
  headless?: boolean;
  /** More flags, after ours: see `chromiumFlags`. */
  args?: readonly string[];
  /** Variables for Chromium beside the few it gets of this process's environment: see `chromiumEnvironment`. A launcher may drop them. */
  env?: NodeJS.ProcessEnv;
  /**
   * A program that runs Chromium as another user: see `secondUser`. Where it cannot, Chromium runs as the user of this process, as it does
   * by default. There may be one Chromium at a time by a launcher.
   */
  launcher?: string;
  /** Where the profile of the user of this process is made, and removed at the end. Default: the system's temporary folder. */
  temporaryFolder?: string;
  /** Milliseconds from the start to the first answer. Default: 30,000, for a cold disk; usual are 100 to 800. */
  startTimeoutMs?: number;
  /**
   * Whether peer connections may use 127.0.0.1. Default: only where this machine has no route to another, since Chromium would have no
   * ICE candidate there. It shows that address only to pages that may use the microphone, so all pages of the default context may use it then.
   */
  loopbackIce?: boolean;
  /** Ends the start. After the start, `close()` does. */
  signal?: AbortSignal;
}

/** A running Chromium with a profile of its own. */
export interface Chromium {
  readonly browser: Browser;
  /** Of the browser process, which leads the process group of all others: for `chromiumMemoryBytes`. */
  readonly pid: number;
  readonly executablePath: string;
  readonly protection: Protection;
  /**
   * Calls the listener once, with code `CHROMIUM_EXITED`, when Chromium ends without `close()`; at once if it already has.
   *
   * @returns a function that takes the listener out again.
   */
  onExit(listener: (error: ChromiumError) => void): () => void;
  /**
   * Kills all processes and removes the profile; resolves when both are gone. May be called again. Pages get no time to say goodbye:
   * leave the stage first.
   *
   * @throws {ChromiumError} `CHROMIUM_STILL_RUNS` when it cannot be killed.
   */
  close(): Promise<void>;
}

const ABORTED = 'The start of Chromium was aborted.';

/** From a broken pipe to the report of the end; see LAST_LINES_TIMEOUT_MS. */
const EXIT_AFTER_PIPE_MS = 1_000;

/**
 * Starts a Chromium and supervises it. When this process ends, Chromium ends too, whatever the cause (see `endWithThisProcess` and
 * `pipeTransport`); only a SIGKILL leaves its profile in the temporary folder.
 *
 * @throws {ChromiumError} when there is no Chromium, it does not start, it ends or takes too long before it is ready, or `signal` aborts.
 */
export async function launchChromium(options: ChromiumOptions = {}): Promise<Chromium> {
  const { headless = true, startTimeoutMs = 30_000, signal } = options;
  const executablePath = options.executablePath ?? find(headless);
  const [protection, smallSharedMemory, loopbackIce] = await Promise.all([
    findProtection(options.launcher),
    sharedMemoryIsSmall(),
    options.loopbackIce ?? hasRoute().then((route) => !route),
  ]);
  if (signal?.aborted) throw new ChromiumError('CHROMIUM_ABORTED', ABORTED, { cause: signal.reason });
  const conditions = { headless, sandbox: protection.sandbox, smallSharedMemory, loopbackIce };
  const flags = ['--remote-debugging-pipe', ...chromiumFlags(conditions, options.args), 'about:blank'];
  const user =
    protection.secondUser && options.launcher !== undefined
      ? secondUser(options.launcher, executablePath, flags)
      : await ownUser(executablePath, options.temporaryFolder ?? tmpdir(), flags);
  const child = spawn(user.program, user.args, {
    // A group of its own: all of it can be killed at once, and Ctrl-C in a terminal does not reach it before its stage is left.
    detached: process.platform !== 'win32',
    env: chromiumEnvironment(process.env, { ...user.environment, ...options.env }),
    stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
  }) as ChildProcess & { stderr: Readable; stdio: [null, null, Readable, Writable, Readable] };
  const supervised = await supervise(child, executablePath, user);
  try {
    const browser = await firstOf(
      supervised,
      connect(child.stdio[3], child.stdio[4], loopbackIce),
      startTimeoutMs,
      signal,
    );
    const { pid, onExit, close } = supervised;
    return { browser, executablePath, protection, pid, onExit, close };
  } catch (error) {
    await supervised.close();
    throw error;
  }
}

function find(headless: boolean): string {
  const { executablePath, tried } = findChromium({ headless });
  if (executablePath) return executablePath;
  throw new ChromiumError(
    'CHROMIUM_NOT_FOUND',
    `There is no Chromium here. Looked for: ${tried.join('; ')}. Install Chrome or Chromium, or set PUPPETEER_EXECUTABLE_PATH to one.`,
  );
}

async function connect(write: Writable, read: Readable, loopbackIce: boolean): Promise<Browser> {
  const browser = await puppeteer.connect({ transport: pipeTransport(write, read), defaultViewport: null });
  if (loopbackIce) {
    // The permission lasts as long as the session does: no detach(). It names no origin, since the pages are not known yet.
    const session = await browser.target().createCDPSession();
    await session.send('Browser.setPermission', { permission: { name: 'microphone' }, setting: 'granted' });
  }
  return browser;
}

/** The first of: connected, ended, too late, aborted. */
function firstOf(
  { onExit, lastLines }: SupervisedProcess,
  connected: Promise<Browser>,
  startTimeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<Browser> {
  const settled = new AbortController();
  return new Promise<Browser>((resolve, reject) => {
    const fail = (code: ChromiumErrorCode, message: string, cause?: unknown) =>
      reject(new ChromiumError(code, message, { lastLines: lastLines(), cause }));
    const removeListener = onExit(reject);
    const timer = setTimeout(
      () => fail('CHROMIUM_START_TIMEOUT', `Chromium was not ready within ${startTimeoutMs} ms.`),
      startTimeoutMs,
    );
    const abort = () => fail('CHROMIUM_ABORTED', ABORTED, signal?.reason);
    // It may have come while the profile was made.
    if (signal?.aborted) abort();
    signal?.addEventListener('abort', abort, { signal: settled.signal });
    settled.signal.addEventListener('abort', () => {
      removeListener();
      clearTimeout(timer);
    });
    connected.then(resolve, async (cause) => {
      // The pipe of a process that ends breaks first; its exit code and last lines say more, and come within this time.
      await delay(EXIT_AFTER_PIPE_MS, undefined, { ref: false });
      fail('CHROMIUM_START_FAILED', 'Chromium did not answer as expected.', cause);
    });
  }).finally(() => settled.abort());
}
