import { readdir, readFile } from 'node:fs/promises';

/** A process that is not dead: neither ended nor waiting to be reaped. */
export interface RunningProcess {
  pid: number;
  parent: number;
  group: number;
}

/** All running processes of this machine, from /proc; none on systems without it. */
export async function runningProcesses(): Promise<RunningProcess[]> {
  const names = await readdir('/proc').catch((): string[] => []);
  const found = await Promise.all(names.filter((name) => /^\d+$/.test(name)).map(readProcess));
  return found.filter((process) => process !== undefined);
}

/** A process and all that descend from it; empty when there is no such process, or no /proc. */
export async function processTree(pid: number): Promise<number[]> {
  const processes = await runningProcesses();
  const tree = processes.some((process) => process.pid === pid) ? [pid] : [];
  // The array grows under the loop: each process found is asked for its children in turn.
  for (const member of tree) {
    tree.push(...processes.filter(({ parent }) => parent === member).map((child) => child.pid));
  }
  return tree;
}

async function readProcess(name: string): Promise<RunningProcess | undefined> {
  const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
  // "pid (name) state parent group ...": the name may hold blanks and brackets.
  const [, state, parent, group] = /^(\S) (\d+) (\d+)/.exec(stat.slice(stat.lastIndexOf(')') + 2)) ?? [];
  if (state === undefined || 'ZX'.includes(state)) return undefined;
  return { pid: Number(name), parent: Number(parent), group: Number(group) };
}
