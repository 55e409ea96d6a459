import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { ChromiumError } from './errors.ts';
import { endWithThisProcess, groupEnd } from './group.ts';
import type { ChromiumUser } from './user.ts';

const KEPT_LINES = 20;
const KEPT_LINE_LENGTH = 500;

/** How long the rest of standard error may take after the end: some child of a dead browser may hold the pipe. */
const LAST_LINES_TIMEOUT_MS = 500;

/** How long killed processes may take to vanish. Usual: 20 to 60 ms. */
const GROUP_END_TIMEOUT_MS = 1_000;

/** A process of another user cannot be killed while it is still becoming that user: then it is tried again after this time, so often. */
const KILL_AGAIN_MS = 250;
const KILL_ATTEMPTS = 20;

/** A browser process under supervision, leader of the process group of all its processes. */
export interface SupervisedProcess {
  readonly pid: number;
  /** What Chromium last wrote to its standard error, oldest first, without participant tokens. */
  lastLines(): readonly string[];
  /** Calls the listener once when the process ends without `close()`; at once if it already has. Returns how to take it out. */
  onExit(listener: (error: ChromiumError) => void): () => void;
  /**
   * Kills the group, removes the profile; resolves when both are gone.
   *
   * @throws {ChromiumError} `CHROMIUM_STILL_RUNS` when it cannot be killed.
   */
  close(): Promise<void>;
}

/**
 * Watches over a started process to its end, whoever ends it: afterwards neither a process of its group nor its profile is left.
 *
 * @param child - A group leader with its standard error on a pipe.
 * @param executablePath - The Chromium that it is or becomes, for messages.
 * @param user - Whom it was started as.
 * @throws {ChromiumError} `CHROMIUM_START_FAILED` when the program could not be started.
 */
export async function supervise(
  child: ChildProcess & { stderr: Readable },
  executablePath: string,
  user: ChromiumUser,
): Promise<SupervisedProcess> {
  const { pid } = child;
  if (pid === undefined) {
    const [cause] = await once(child, 'error');
    await user.clean();
    throw new ChromiumError('CHROMIUM_START_FAILED', `${child.spawnfile} could not be started: ${cause.message}.`, {
      cause,
    });
  }
  const release = endWithThisProcess(() => user.end(pid));
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(withoutTokens(line).slice(0, KEPT_LINE_LENGTH));
    if (lines.length > KEPT_LINES) lines.shift();
  });

  const listeners = new Set<(error: ChromiumError) => void>();
  let closing = false;
  let exitError: ChromiumError | undefined;
  const drained = once(child, 'close');
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const exited = once(child, 'exit');
  const ended = exited.then(async ([code, signal]) => {
    // close() has asked already.
    if (!closing) await user.kill(pid);
    await Promise.race([drained, delay(LAST_LINES_TIMEOUT_MS)]);
    if (!closing) {
      const how = signal ? `by ${signal}` : `with exit code ${code}`;
      exitError = new ChromiumError('CHROMIUM_EXITED', `${executablePath} ended ${how}.`, { lastLines: [...lines] });
      for (const listener of listeners) listener(exitError);
      listeners.clear();
    }
    await groupEnd(pid, GROUP_END_TIMEOUT_MS);
    await user.clean();
    release();
  });
  // Whoever calls close() hears of a profile that cannot be removed; without a caller it is not worth this process.
  ended.catch(() => {});

  return {
    pid,
    lastLines: () => [...lines],
    onExit(listener) {
      if (exitError) listener(exitError);
      else listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      closing = true;
      for (let attempt = 1; isRunning(); attempt += 1) {
        if (attempt > KILL_ATTEMPTS) {
          throw new ChromiumError('CHROMIUM_STILL_RUNS', `${executablePath} (process ${pid}) cannot be killed.`);
        }
        await user.kill(pid);
        await Promise.race([exited, delay(KILL_AGAIN_MS, undefined, { ref: false })]);
      }
      await ended;
    },
  };
}

/** Chromium quotes addresses and scripts in its messages; a participant token is a JWT. */
function withoutTokens(line: string): string {
  return line.replace(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, '(token)');
}
