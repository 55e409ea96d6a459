import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import puppeteer, { type Browser } from 'puppeteer';
import { chromiumEnvironment } from './environment.ts';
import { ChromiumError, type ChromiumErrorCode } from './errors.ts';
import { findChromium } from './find-chromium.mjs';
import { chromiumFlags } from './flags.ts';
import { pipeTransport } from './pipe-transport.ts';
import { type SupervisedProcess, supervise } from './supervise.ts';
import { hasRoute, sandboxWorks, sharedMemoryIsSmall } from './surroundings.ts';

export interface ChromiumOptions {
  /** The program. Default: what `findChromium` finds. */
  executablePath?: string;
  /** Without a window, and without sound from the speakers. Default: true. */
  headless?: boolean;
  /** More flags, after ours: see `chromiumFlags`. */
  args?: readonly string[];
  /** Variables for Chromium beside the few it gets of this process's environment: see `chromiumEnvironment`. */
  env?: NodeJS.ProcessEnv;
  /** Where the profile is made, and removed at the end. Default: the system's temporary folder. */
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
  /** Whether Chromium's sandbox holds the pages: not as root, and not in a container that allows no namespaces. */
  readonly sandboxed: boolean;
  /**
   * Calls the listener once, with code `CHROMIUM_EXITED`, when Chromium ends without `close()`; at once if it already has.
   *
   * @returns a function that takes the listener out again.
   */
  onExit(listener: (error: ChromiumError) => void): () => void;
  /**
   * Kills all processes and removes the profile; resolves when both are gone. May be called again. Pages get no time to say goodbye:
   * leave the stage first.
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
  const [sandboxed, smallSharedMemory, loopbackIce] = await Promise.all([
    sandboxWorks(),
    sharedMemoryIsSmall(),
    options.loopbackIce ?? hasRoute().then((route) => !route),
  ]);
  if (signal?.aborted) throw new ChromiumError('CHROMIUM_ABORTED', ABORTED, { cause: signal.reason });
  const profile = await mkdtemp(join(options.temporaryFolder ?? tmpdir(), 'vp-chromium-'));
  const flags = chromiumFlags({ headless, sandbox: sandboxed, smallSharedMemory, loopbackIce }, options.args);
  const child = spawn(
    executablePath,
    ['--remote-debugging-pipe', `--user-data-dir=${profile}`, ...flags, 'about:blank'],
    {
      // A group of its own: all of it can be killed at once, and Ctrl-C in a terminal does not reach it before its stage is left.
      detached: process.platform !== 'win32',
      env: chromiumEnvironment(process.env, { ...foldersIn(profile), ...options.env }),
      stdio: ['ignore', 'ignore', 'pipe', 'pipe', 'pipe'],
    },
  ) as ChildProcess & { stderr: Readable; stdio: [null, null, Readable, Writable, Readable] };
  const supervised = await supervise(child, profile);
  try {
    const browser = await firstOf(
      supervised,
      connect(child.stdio[3], child.stdio[4], loopbackIce),
      startTimeoutMs,
      signal,
    );
    const { pid, onExit, close } = supervised;
    return { browser, executablePath, sandboxed, pid, onExit, close };
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

/** Where Chromium puts what it does not keep in its profile: sockets and shared memory, crash reports. A killed one leaves them behind. */
function foldersIn(profile: string): NodeJS.ProcessEnv {
  return process.platform === 'linux' ? { TMPDIR: profile, XDG_CONFIG_HOME: profile } : {};
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
