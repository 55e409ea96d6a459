import { readFile } from 'node:fs/promises';
import { processTree } from './processes.ts';

/**
 * Memory of a Chromium with all its processes in bytes: the sum of their proportional set sizes (PSS), in which memory that several
 * processes share counts once. Linux only.
 *
 * @param pid - The browser process.
 * @returns `null` where it cannot be measured: another system, no such process, or one that this user may not look into. Never a part
 *   of the sum.
 */
export async function chromiumMemoryBytes(pid: number): Promise<number | null> {
  try {
    const sizes = await Promise.all((await processTree(pid)).map(proportionalSetSizeBytes));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    return bytes > 0 ? bytes : null;
  } catch {
    return null;
  }
}

/** 0 for a process that has ended in the meantime. */
async function proportionalSetSizeBytes(pid: number): Promise<number> {
  const smaps = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return '';
    throw error;
  });
  return Number(/^Pss:\s+(\d+) kB$/m.exec(smaps)?.[1] ?? 0) * 1_024;
}
