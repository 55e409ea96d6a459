/** Process groups that must not outlive this process. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { runningProcesses } from './processes.ts';

interface Group {
  pid: number;
  /** Removed with the group. */
  folder: string;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const groups = new Set<Group>();

/**
 * Ends the process group and removes its folder when this process ends: by itself, by an uncaught error, or by SIGINT, SIGTERM or
 * SIGHUP when nobody else listens to that signal. Whoever does listen decides, and ends what it started.
 *
 * @returns a function that takes the group out again.
 */
export function endWithThisProcess(group: Group): () => void {
  if (groups.size === 0) {
    process.on('exit', endAll);
    for (const signal of SIGNALS) process.on(signal, onSignal);
  }
  groups.add(group);
  return () => {
    groups.delete(group);
    if (groups.size > 0) return;
    process.off('exit', endAll);
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}

/** Kills all processes of a group at once; a group that is gone is no error. */
export function killGroup(pid: number): void {
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/pid', String(pid), '/T', '/F'], { stdio: 'ignore', timeout: 5_000 });
    return;
  }
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: nobody is left. EPERM: macOS says so of a group in which all are dead.
  }
}

/**
 * Resolves when no process of the group runs. Dead ones that nobody has reaped do not count where that can be known (/proc): in a
 * container whose first process is no init they stay for ever.
 */
export async function groupEnd(pid: number, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while ((await groupRuns(pid)) && performance.now() < deadline) await delay(10);
}

async function groupRuns(pid: number): Promise<boolean> {
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 0);
  } catch {
    return false;
  }
  return process.platform !== 'linux' || (await runningProcesses()).some(({ group }) => group === pid);
}

function endAll(): void {
  for (const { pid, folder } of groups) {
    killGroup(pid);
    rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 });
  }
  groups.clear();
}

function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  endAll();
  process.off(signal, onSignal);
  process.kill(process.pid, signal);
}
