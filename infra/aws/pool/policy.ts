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
}

/** Counts whoever was seen lately; the others are dead or cut off, and nobody can invite them. */
export function countPool(records: Iterable<PoolRecord>, nowMs: number): PoolCounts {
  const counts = { free: 0, taken: 0 };
  for (const { status, lastSeenAt } of records) {
    const isThere = lastSeenAt >= nowMs - SEEN_WITHIN_MS && status !== undefined && status !== 'STOPPED';
    if (isThere) counts[status === 'AVAILABLE' ? 'free' : 'taken'] += 1;
  }
  return counts;
}

/**
 * How many tasks the service should run: `min(maxTasks, taken + minAvailable)`. It goes up to that number at once, and down
 * to it only by as many as there are free places too many at that moment, so that enough are left whichever ECS stops:
 * - A place that has just become free is not given up while the one that was to replace it is still starting. That one
 *   tells when it is AVAILABLE, and then there is one too many.
 * - Nothing is given up because nobody is heard. After an outage of the control plane all are on their stages, and the
 *   first change would otherwise end every free place.
 *
 * @param present - the service's desired count now
 */
export function desiredCount(
  { free, taken }: PoolCounts,
  { minAvailable, maxTasks }: PoolLimits,
  present: number,
): number {
  const surplus = Math.max(0, free - minAvailable);
  return Math.min(maxTasks, Math.max(taken + minAvailable, present - surplus));
}

/** Whether `maxTasks` keeps the pool from having `minAvailable` places free. */
export function isAtMaximum({ taken }: PoolCounts, { minAvailable, maxTasks }: PoolLimits): boolean {
  return taken + minAvailable > maxTasks;
}
