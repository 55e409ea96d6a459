/** Process groups that must not outlive this process. */
import { spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { runningProcesses } from './processes.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
const ends = new Set<() => void>();

/**
 * Calls `end` when this process ends: by itself, by an uncaught error, or by SIGINT, SIGTERM or SIGHUP when nobody else listens to that
 * signal. Whoever does listen decides, and ends what it started.
 *
 * @param end - Must do all it does before it returns.
 * @returns a function that takes it out again.
 */
export function endWithThisProcess(end: () => void): () => void {
  if (ends.size === 0) {
    process.on('exit', endAll);
    for (const signal of SIGNALS) process.on(signal, onSignal);
  }
  ends.add(end);
  return () => {
    ends.delete(end);
    if (ends.size > 0) return;
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
 * Resolves when no process of the group runs, whoever they belong to. Dead ones that nobody has reaped do not count where that can be
 * known (/proc): in a container whose first process is no init they stay for ever.
 */
export async function groupEnd(pid: number, timeoutMs: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while ((await groupRuns(pid)) && performance.now() < deadline) await delay(10);
}

async function groupRuns(pid: number): Promise<boolean> {
  // Not by a signal, which the processes of another user do not take.
  if (process.platform === 'linux') return (await runningProcesses()).some(({ group }) => group === pid);
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 0);
    return true;
  } catch {
    return false;
  }
}

function endAll(): void {
  for (const end of ends) end();
  ends.clear();
}

function onSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  endAll();
  process.off(signal, onSignal);
  process.kill(process.pid, signal);
}
