import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { ChromiumError } from './errors.ts';
import { endWithThisProcess, groupEnd, killGroup } from './group.ts';

const KEPT_LINES = 20;
const KEPT_LINE_LENGTH = 500;

/** How long the rest of standard error may take after the end: some child of a dead browser may hold the pipe. */
const LAST_LINES_TIMEOUT_MS = 500;

/** How long killed processes may take to vanish. Usual: 20 to 60 ms. */
const GROUP_END_TIMEOUT_MS = 1_000;

/** A browser process under supervision, leader of the process group of all its processes. */
export interface SupervisedProcess {
  readonly pid: number;
  /** What Chromium last wrote to its standard error, oldest first, without participant tokens. */
  lastLines(): readonly string[];
  /** Calls the listener once when the process ends without `close()`; at once if it already has. Returns how to take it out. */
  onExit(listener: (error: ChromiumError) => void): () => void;
  /** Kills the group, removes the profile; resolves when both are gone. */
  close(): Promise<void>;
}

/**
 * Watches over a started process to its end, whoever ends it: afterwards neither a process of its group nor its profile is left.
 *
 * @param child - A group leader with its standard error on a pipe.
 * @param profile - The folder to remove.
 * @throws {ChromiumError} `CHROMIUM_START_FAILED` when the program could not be started.
 */
export async function supervise(
  child: ChildProcess & { stderr: Readable },
  profile: string,
): Promise<SupervisedProcess> {
  const { pid } = child;
  if (pid === undefined) {
    const [cause] = await once(child, 'error');
    await rm(profile, { recursive: true, force: true });
    throw new ChromiumError('CHROMIUM_START_FAILED', `${child.spawnfile} could not be started: ${cause.message}.`, {
      cause,
    });
  }
  const release = endWithThisProcess({ pid, folder: profile });
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    lines.push(withoutTokens(line).slice(0, KEPT_LINE_LENGTH));
    if (lines.length > KEPT_LINES) lines.shift();
  });

  const listeners = new Set<(error: ChromiumError) => void>();
  let closing = false;
  let exitError: ChromiumError | undefined;
  const drained = once(child, 'close');
  const ended = once(child, 'exit').then(async ([code, signal]) => {
    killGroup(pid);
    await Promise.race([drained, delay(LAST_LINES_TIMEOUT_MS)]);
    if (!closing) {
      const how = signal ? `by ${signal}` : `with exit code ${code}`;
      exitError = new ChromiumError('CHROMIUM_EXITED', `${child.spawnfile} ended ${how}.`, { lastLines: [...lines] });
      for (const listener of listeners) listener(exitError);
      listeners.clear();
    }
    await groupEnd(pid, GROUP_END_TIMEOUT_MS);
    await rm(profile, { recursive: true, force: true, maxRetries: 5 });
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
    close() {
      closing = true;
      killGroup(pid);
      return ended;
    },
  };
}

/** Chromium quotes addresses and scripts in its messages; a participant token is a JWT. */
function withoutTokens(line: string): string {
  return line.replace(/eyJ[\w-]+\.[\w-]+\.[\w-]+/g, '(token)');
}
