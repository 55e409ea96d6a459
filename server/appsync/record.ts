import * as v from 'valibot';
import type { FailureOrigin } from '../../machines/failures.ts';
import { LEGAL_PREDECESSORS, type VpStatus } from '../../machines/status.ts';

/** A virtual participant as the control plane knows it. What it does not know is null. */
export interface VpRecord {
  id: string;
  /** `null`: registered for the first time, nothing was reported yet. */
  status: VpStatus | null;
  /** Of the present or last invite; 0 before the first. */
  epoch: number;
  /** Moves with every change but the heartbeat. */
  version: number;
  stageArn: string | null;
  participantId: string | null;
  userId: string | null;
  attributes: Record<string, string>;
  /** `null`: the default asset. */
  assetName: string | null;
  loop: boolean;
  maxDurationSeconds: number | null;
  source: string | null;
  reason: string | null;
  /** Its code may be one of the control plane's own. */
  failure: { code: string; origin: FailureOrigin; retryable: boolean; message: string } | null;
  /** ISO 8601. */
  updatedAt: string | null;
  /** ISO 8601. */
  lastSeenAt: string | null;
}

/** All that a {@link VpRecord} is made of; mutations select it too, as subscribers see only what those select. */
export const RECORD_FIELDS = `id status epoch version alive stageArn participantId userId attributes { name value }
  assetName loop maxDurationSeconds source failure { code origin retryable message } reason updatedAt lastSeenAt`;

const Text = v.nullish(v.string(), null);
const Count = v.pipe(v.number(), v.integer(), v.minValue(0));
const STATUSES = Object.keys(LEGAL_PREDECESSORS) as VpStatus[];
const ORIGINS = ['caller', 'stage', 'network', 'participant'] as const satisfies FailureOrigin[];

const RecordSchema = v.object({
  id: v.string(),
  status: v.nullish(v.picklist(STATUSES), null),
  epoch: Count,
  version: Count,
  stageArn: Text,
  participantId: Text,
  userId: Text,
  attributes: v.pipe(
    v.nullish(v.array(v.object({ name: v.string(), value: v.string() })), []),
    v.transform((pairs) => Object.fromEntries(pairs.map(({ name, value }) => [name, value]))),
  ),
  assetName: Text,
  loop: v.nullish(v.boolean(), true),
  maxDurationSeconds: v.nullish(v.number(), null),
  source: Text,
  reason: Text,
  failure: v.nullish(
    v.object({ code: v.string(), origin: v.picklist(ORIGINS), retryable: v.boolean(), message: v.string() }),
    null,
  ),
  updatedAt: Text,
  lastSeenAt: Text,
});

/**
 * Reads a `VirtualParticipant` that was asked for with all of {@link RECORD_FIELDS}.
 *
 * @throws {Error} that names the field, and what was expected of it
 */
export function parseRecord(value: unknown): VpRecord {
  const { success, output, issues } = v.safeParse(RecordSchema, value);
  if (success) return output;
  const [issue] = issues;
  const path = v.getDotPath(issue) ?? 'record';
  throw new Error(`The control plane's record has a wrong ${path}: expected ${issue.expected}, got ${issue.received}.`);
}

/** Whether `record` is of a later moment than `known`; the same moment is not. */
export function isNewer(record: Pick<VpRecord, 'epoch' | 'version'>, known: VpRecord | null): boolean {
  if (known === null || record.epoch !== known.epoch) return known === null || record.epoch > known.epoch;
  return record.version > known.version;
}
