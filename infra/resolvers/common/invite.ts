import { refuseFor } from './errors.ts';
import type { InviteFields, VpRecord } from './record.ts';
import { wasSeen } from './record.ts';

export interface InviteArgs {
  input: {
    stageArn: string;
    assetName?: string | null;
    loop?: boolean | null;
    userId?: string | null;
    attributes?: { name: string; value: string }[] | null;
    maxDurationSeconds?: number | null;
    id?: string | null;
    clientToken?: string | null;
  };
}

/** What the functions of the invite hand to each other. */
export interface InviteStash {
  /** The valid input with its defaults. */
  invite: InviteFields;
  /** What the invite that this one repeats was answered with. */
  replay?: VpRecord;
  /** Whom to try next, in this order. */
  candidates?: VpRecord[];
  /** The record as the present try would leave it. */
  attempt?: VpRecord;
  /** Another request with the same `clientToken` was faster. */
  isTokenTaken?: boolean;
  /** What the invite is answered with. */
  answer?: VpRecord;
}

/** An item of the table of tokens. */
export interface InviteToken {
  clientToken: string;
  /** The input it came with, as text. */
  request: string;
  answer: VpRecord;
  /** Seconds since 1970. */
  expiresAt: number;
}

/** The input as text, equal for equal input. */
export function fingerprint(stash: InviteStash, id: string | null | undefined): string {
  const { stageArn, assetName, loop, userId, attributes, maxDurationSeconds } = stash.invite;
  const pairs = (attributes ?? []).map((attribute) => [attribute.name, attribute.value]);
  return JSON.stringify([stageArn, assetName, loop, userId, pairs, maxDurationSeconds, id ?? null]);
}

/** Ends the request with NOT_AVAILABLE if an invite cannot claim the one it names. */
export function refuseUnlessFree(record: VpRecord, nowMs: number): void {
  const { id, status } = record;
  if (status !== 'AVAILABLE') {
    refuseFor('NOT_AVAILABLE', `"${id}" is ${status ?? 'not ready'}, not AVAILABLE.`, record);
  }
  if (!wasSeen(record, nowMs)) {
    refuseFor('NOT_AVAILABLE', `"${id}" is AVAILABLE, but was not seen for 30 seconds.`, record);
  }
}
