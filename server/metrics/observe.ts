import type { ParticipantSnapshot } from '../../machines/participant.ts';
import { statusOf } from '../../machines/participant-link.ts';
import type { VpStats } from '../../machines/protocol.ts';
import { CAUSES, type Cause, type Phase, type RecordMetric } from './definitions.ts';

/** Reads metrics off what a participant does; it changes nothing. */
export interface ParticipantObserver {
  onSnapshot(snapshot: ParticipantSnapshot): void;
  onStats(stats: VpStats): void;
}

export interface ObserverOptions {
  record: RecordMetric;
  /** Milliseconds of a clock that never goes back. Default: `performance.now`. */
  nowMs?: () => number;
}

/** Where an invite stands: in one of its phases, between two of them, or there is none. */
type Stand = Phase | 'published' | 'over' | 'none';

/** Where a phase has come to its end; anywhere else it was broken off. Of leaving it takes evidence besides. */
const ENDS: Readonly<Record<Phase, readonly Stand[]>> = {
  prepare: ['join'],
  join: ['publish', 'published'],
  publish: ['published'],
  recover: ['published'],
  leave: ['none', 'over'],
};

/** One invite from its beginning until its place is free again. */
interface Invite {
  readonly beganMs: number;
  hasPublished: boolean;
  /** What the present recovery has to make anew; `null` while there is none. */
  cause: Cause | null;
}

/** Watches a participant machine by its snapshots, and the media by the page's `vp.stats`. */
export function createObserver({ record, nowMs = () => performance.now() }: ObserverOptions): ParticipantObserver {
  let invite: Invite | null = null;
  let stand: Stand = 'none';
  let standsSinceMs = 0;
  let last: ParticipantSnapshot | null = null;
  let counted = { of: '', frames: 0, bytes: 0 };

  function enter(next: Stand, snapshot: ParticipantSnapshot): void {
    const timeMs = nowMs();
    if (isPhase(stand) && invite !== null && ENDS[stand].includes(next) && (stand !== 'leave' || wasLeft(snapshot))) {
      record('vp_invite_phase_seconds', (timeMs - standsSinceMs) / 1_000, { phase: stand });
    }
    if (next === 'prepare') {
      invite = { beganMs: timeMs, hasPublished: false, cause: null };
      record('vp_invites_total', 1, {});
    }
    if (next === 'published' && invite !== null) publishedAt(timeMs, invite);
    const { failure } = snapshot.context;
    if (next === 'over' && failure !== null) {
      record('vp_failures_total', 1, { origin: failure.origin, code: failure.code });
    }
    if (next === 'none') invite = null;
    stand = next;
    standsSinceMs = timeMs;
  }

  function publishedAt(timeMs: number, { beganMs, hasPublished, cause }: Invite): void {
    if (!hasPublished) record('vp_invite_seconds', (timeMs - beganMs) / 1_000, {});
    if (cause !== null) record('vp_recoveries_total', 1, { cause });
    invite = { beganMs, hasPublished: true, cause: null };
  }

  /**
   * A leave that failed says so by another failure than the invite had before; a drain that ran out of time, by an invite
   * that is still there.
   */
  function wasLeft({ context, status }: ParticipantSnapshot): boolean {
    return status === 'done'
      ? context.invite === null
      : context.failure === null || context.failure === last?.context.failure;
  }

  return {
    onSnapshot(snapshot) {
      const next = standOf(snapshot, invite?.hasPublished ?? false);
      if (next !== stand) enter(next, snapshot);
      if (next === 'recover' && invite !== null) invite.cause = deeper(invite.cause, causeOf(snapshot));
      record('vp_places_free', statusOf(snapshot)?.status === 'AVAILABLE' ? 1 : 0, {});
      record('vp_places_taken', next === 'none' ? 0 : 1, {});
      last = snapshot;
    },

    onStats({ epoch = 0, pageId = '', frames, bytes }) {
      const of = `${epoch} ${pageId}`;
      // A page counts each session from 0, and forgets its figures when that is over.
      const isAnother = of !== counted.of || frames < counted.frames || bytes < counted.bytes;
      const from = isAnother ? { frames: 0, bytes: 0 } : counted;
      record('vp_frames_total', frames - from.frames, {});
      record('vp_bytes_total', bytes - from.bytes, {});
      counted = { of, frames, bytes };
    },
  };
}

function standOf(snapshot: ParticipantSnapshot, hasPublished: boolean): Stand {
  if (snapshot.matches('stopped') || snapshot.matches({ serving: { session: 'available' } })) return 'none';
  if (snapshot.matches({ serving: { session: { active: { invited: 'preparing' } } } })) return 'prepare';
  if (snapshot.matches({ serving: { session: { active: 'invited' } } })) return 'join';
  if (snapshot.matches({ serving: { session: { active: 'published' } } })) return 'published';
  if (snapshot.matches({ serving: { session: 'active' } })) return hasPublished ? 'recover' : 'publish';
  return snapshot.matches({ serving: { session: 'leaving' } }) ? 'leave' : 'over';
}

function isPhase(stand: Stand): stand is Phase {
  return stand in ENDS;
}

function causeOf(snapshot: ParticipantSnapshot): Cause {
  if (!snapshot.matches({ serving: { page: 'ready' } })) return 'page';
  return snapshot.matches({ serving: { session: { active: 'recovering' } } }) ? 'stage' : 'media';
}

function deeper(one: Cause | null, other: Cause): Cause {
  return one !== null && CAUSES.indexOf(one) > CAUSES.indexOf(other) ? one : other;
}
