import type { VpStatus } from '../../../machines/status.ts';
import { SEEN_WITHIN_MS } from '../../resolvers/common/seen.ts';

/** What an operator chooses. */
export interface PoolLimits {
  /** How many places should be free at any time. */
  readonly minAvailable: number;
  /** The most tasks that the service is ever asked to run. */
  readonly maxTasks: number;
}

/** What the policy needs of a record of the table. */
export interface PoolRecord {
  /** Not there: registered, and not ready yet. */
  readonly status?: VpStatus;
  /** Milliseconds since 1970. */
  readonly lastSeenAt: number;
}

/** How the places of the pool stand. */
export interface PoolCounts {
  /** Seen lately and AVAILABLE: an invite finds them. */
  readonly free: number;
  /** Seen lately and busy with an invite, or with leaving its stage. */
  readonly taken: number;
  /** Busy when they were last seen, which is too long ago: dead, or cut off from the control plane. */
  readonly silent: number;
}

/** For so long a busy one that is not heard any more may still be there, cut off: as long as an outage may last. */
export const SILENT_WITHIN_MS = 60 * 60 * 1_000;

export function countPool(records: Iterable<PoolRecord>, nowMs: number): PoolCounts {
  const counts = { free: 0, taken: 0, silent: 0 };
  for (const { status, lastSeenAt } of records) {
    const isSeen = lastSeenAt >= nowMs - SEEN_WITHIN_MS;
    if (status === undefined || status === 'STOPPED') continue;
    if (status === 'AVAILABLE') counts.free += isSeen ? 1 : 0;
    else if (isSeen) counts.taken += 1;
    else if (lastSeenAt >= nowMs - SILENT_WITHIN_MS) counts.silent += 1;
  }
  return counts;
}

/**
 * How many tasks the service should run: `min(maxTasks, taken + minAvailable)`.
 *
 * Silence alone neither starts tasks nor stops them. Whoever is silent may be dead, and then its task was replaced by
 * ECS; or may be on its stage and cut off, together with all others. Were they not counted when the control plane comes
 * back after an outage, the first change would end every free place, and the next invite would find none.
 *
 * @param present - the service's desired count now
 */
export function desiredCount({ taken, silent }: PoolCounts, { minAvailable, maxTasks }: PoolLimits, present: number) {
  const least = Math.min(maxTasks, taken + minAvailable);
  const most = Math.min(maxTasks, taken + silent + minAvailable);
  return Math.min(Math.max(present, least), most);
}

/** Whether `maxTasks` keeps the pool from having `minAvailable` places free. */
export function isAtMaximum({ taken }: PoolCounts, { minAvailable, maxTasks }: PoolLimits): boolean {
  return taken + minAvailable > maxTasks;
}
