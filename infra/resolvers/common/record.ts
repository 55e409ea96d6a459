import { util } from '@aws-appsync/utils';
import type { VpStatus } from '../../../machines/status.ts';
import { SEEN_WITHIN_MS } from './seen.ts';

export interface Failure {
  code: string;
  origin: string;
  retryable: boolean;
  message: string;
}

/** What an invite asks for. */
export interface InviteFields {
  stageArn: string | null;
  userId: string | null;
  attributes: { name: string; value: string }[] | null;
  assetName: string | null;
  loop: boolean | null;
  maxDurationSeconds: number | null;
}

/** What the container tells of an invite. */
export interface EvidenceFields {
  participantId: string | null;
  source: string | null;
  failure: Failure | null;
  reason: string | null;
}

/**
 * An item of the table. Every attribute but `status` is always there, null where it says nothing, so that a condition
 * can compare it; `status` cannot be null, as it is the key of an index.
 */
export interface VpRecord extends InviteFields, EvidenceFields {
  id: string;
  status?: VpStatus;
  epoch: number;
  version: number;
  owner: string;
  /** Of the last report that was taken. */
  sequence: number;
  /** Milliseconds since 1970. */
  updatedAt: number;
  /** Milliseconds since 1970. */
  lastSeenAt: number;
  /** The status before the last write; `NONE`: there was none. Equal to `status` if the last write did not change it. */
  statusBefore: VpStatus | 'NONE';
  /** When DynamoDB may delete the record, seconds since 1970. Each write moves it. */
  expiresAt: number;
}

export const NO_INVITE: InviteFields = {
  stageArn: null,
  userId: null,
  attributes: null,
  assetName: null,
  loop: null,
  maxDurationSeconds: null,
};

export const NO_EVIDENCE: EvidenceFields = { participantId: null, source: null, failure: null, reason: null };

export function wasSeen(record: VpRecord, nowMs: number): boolean {
  return record.lastSeenAt >= nowMs - SEEN_WITHIN_MS;
}

/** The record as GraphQL shows it. */
export function toVirtualParticipant(record: VpRecord, nowMs: number) {
  return {
    id: record.id,
    status: record.status ?? null,
    epoch: record.epoch,
    version: record.version,
    alive: wasSeen(record, nowMs) && record.status !== 'STOPPED',
    stageArn: record.stageArn,
    participantId: record.participantId,
    userId: record.userId,
    attributes: record.attributes,
    assetName: record.assetName,
    loop: record.loop,
    maxDurationSeconds: record.maxDurationSeconds,
    source: record.source,
    failure: record.failure,
    reason: record.reason,
    updatedAt: util.time.epochMilliSecondsToISO8601(record.updatedAt),
    lastSeenAt: util.time.epochMilliSecondsToISO8601(record.lastSeenAt),
  };
}
