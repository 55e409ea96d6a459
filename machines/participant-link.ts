import type { Failure } from './failures.ts';
import { failure } from './failures.ts';
import type { PageReport, ParticipantSnapshot } from './participant.ts';
import type { PageMessage, VpUpdate } from './protocol.ts';
import type { VpStatus } from './status.ts';

/** What is so, for the control plane. */
export interface StatusReport {
  status: VpStatus;
  epoch: number;
  participantId: string | null;
  reason: string | null;
  failure: Failure | null;
}

/** The status that a participant can prove now; `null` while there is nothing new to say. */
export function statusOf(snapshot: ParticipantSnapshot): StatusReport | null {
  const { epoch, participantId, reason, failure: failed } = snapshot.context;
  const status = provenStatus(snapshot);
  return status === null ? null : { status, epoch, participantId, reason, failure: failed };
}

/**
 * The `vp.update` that the page is to have, the whole invite each time or, when there is to be none, just its end.
 * `null` while an invite is being prepared: the page must not hear of it before it can act on it.
 */
export function updateOf(snapshot: ParticipantSnapshot, timestamp: string): VpUpdate | null {
  const { epoch, reason, invite, preparation } = snapshot.context;
  const status = statusForPage(snapshot);
  if (status === null) return null;
  const isWanted = status === 'invited' || status === 'connected' || status === 'published';
  return {
    type: 'vp.update',
    status,
    metadata: {
      timestamp,
      epoch,
      ...(reason && { reason }),
      ...(isWanted &&
        invite &&
        preparation && {
          stageArn: invite.stageArn,
          participantToken: preparation.participantToken,
          ...(preparation.participantId && { participantId: preparation.participantId }),
          ...(preparation.asset && { asset: preparation.asset }),
        }),
    },
  };
}

/** Where the page stands, by one of its messages; `null` if the message does not say. */
export function reportOf(message: PageMessage, presentEpoch: number): PageReport | null {
  const report: PageReport = {
    epoch: message.epoch ?? presentEpoch,
    state: 'idle',
    participantId: null,
    reason: null,
    failure: null,
    tellsMedia: false,
  };
  switch (message.type) {
    case 'vp.joined_stage':
      return { ...report, state: 'joined', participantId: message.participantId };
    case 'vp.published':
      return { ...report, state: 'published', tellsMedia: true };
    case 'vp.unpublished':
      return { ...report, state: 'publishing', reason: message.reason, tellsMedia: true };
    case 'vp.left_stage':
      return { ...report, state: 'idle', reason: message.reason ?? null };
    case 'vp.error':
      if (message.code === undefined) return null;
      return { ...report, state: 'failed', reason: message.code, failure: failure(message.code, message.error) };
    case 'vp.stats':
      return {
        ...report,
        state: message.state,
        participantId: message.participantId,
        reason: message.reason ?? null,
        failure: message.code === undefined ? null : failure(message.code, message.error ?? message.code),
        tellsMedia: true,
      };
    case 'vp.ready':
    case 'vp.subscribe_vp':
      return null;
  }
}

function provenStatus(snapshot: ParticipantSnapshot): VpStatus | null {
  if (snapshot.matches('stopped')) return 'STOPPED';
  if (snapshot.matches({ serving: { session: 'available' } })) {
    const isFree = snapshot.matches({ serving: { control: 'online', page: 'ready', process: 'running' } });
    return isFree ? 'AVAILABLE' : null;
  }
  if (snapshot.matches({ serving: { session: { active: 'connected' } } })) return 'CONNECTED';
  if (snapshot.matches({ serving: { session: { active: 'published' } } })) return 'PUBLISHED';
  if (snapshot.matches({ serving: { session: 'active' } })) return 'INVITED';
  if (snapshot.matches({ serving: { session: 'kicked' } })) return 'KICKED';
  if (snapshot.matches({ serving: { session: 'errored' } })) return 'ERRORED';
  return null;
}

function statusForPage(snapshot: ParticipantSnapshot): VpUpdate['status'] | null {
  if (snapshot.matches('stopped')) return 'stopped';
  if (snapshot.matches({ serving: { session: 'available' } })) return 'available';
  if (snapshot.matches({ serving: { session: { active: { invited: 'preparing' } } } })) return null;
  if (snapshot.matches({ serving: { session: { active: 'connected' } } })) return 'connected';
  if (snapshot.matches({ serving: { session: { active: 'published' } } })) return 'published';
  if (snapshot.matches({ serving: { session: 'active' } })) return 'invited';
  return snapshot.matches({ serving: { session: 'errored' } }) ? 'errored' : 'kicked';
}
