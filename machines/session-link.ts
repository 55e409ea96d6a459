import type { PageMessage, VpStats, VpUpdate } from './protocol.ts';
import type { SessionEvent, SessionInvite, SessionSnapshot } from './session.ts';
import { sessionStateOf } from './session.ts';

/** What the page counts besides its machine, for `vp.stats`. */
export type MediaFigures = Pick<VpStats, 'frames' | 'bytes' | 'fps' | 'mediaTimeMs' | 'loops' | 'rejoins'>;

/** What a `vp.update` asks of the session machine; `null` when it asks for nothing. */
export function sessionEventOf({ status, metadata }: VpUpdate, presentEpoch: number): SessionEvent | null {
  const epoch = metadata.epoch ?? presentEpoch;
  switch (status) {
    case 'invited':
    case 'connected':
    case 'published': {
      const invite = inviteOf(metadata, epoch);
      return invite === null ? null : { type: 'session.start', invite };
    }
    case 'available':
    case 'kicked':
    case 'errored':
    case 'stopped':
      return { type: 'session.stop', epoch, reason: metadata.reason ?? status.toUpperCase() };
  }
}

/** The messages that tell a server what changed between two snapshots of the session machine, in order. */
export function messagesBetween(before: SessionSnapshot, after: SessionSnapshot): PageMessage[] {
  const messages: PageMessage[] = [];
  const [was, is] = [before.context, after.context];
  const epoch = is.invite?.epoch ?? is.ended?.epoch ?? 0;
  const endedNow = is.ended !== was.ended ? is.ended : null;

  if (sessionStateOf(before) === 'published' && sessionStateOf(after) !== 'published') {
    messages.push({
      type: 'vp.unpublished',
      reason: reasonOf(endedNow?.reason ?? is.reason),
      epoch: was.invite?.epoch ?? epoch,
    });
  }
  if (endedNow?.failure) {
    const { code, message } = endedNow.failure;
    messages.push({ type: 'vp.error', error: message, code, epoch: endedNow.epoch });
  }
  if (endedNow !== null && endedNow.epoch === was.invite?.epoch) {
    messages.push({ type: 'vp.left_stage', reason: reasonOf(endedNow.reason), epoch: endedNow.epoch });
  }
  if (is.onStage !== null && is.onStage !== was.onStage) {
    messages.push({ type: 'vp.joined_stage', ...is.onStage, epoch });
  }
  if (sessionStateOf(after) === 'published' && sessionStateOf(before) !== 'published') {
    messages.push({ type: 'vp.published', epoch });
  }
  return messages;
}

/** The `vp.stats` of a session: its state, and why the last one ended. */
export function statsOf(snapshot: SessionSnapshot, figures: MediaFigures): VpStats {
  const { invite, onStage, source, ended, reason } = snapshot.context;
  const state = sessionStateOf(snapshot);
  const isOver = state === 'idle' || state === 'failed';
  const cause = isOver ? ended?.reason : reason;
  return {
    type: 'vp.stats',
    state,
    epoch: isOver ? (ended?.epoch ?? 0) : (invite?.epoch ?? 0),
    participantId: onStage?.participantId ?? null,
    ...figures,
    ...(source && { source: source.kind }),
    ...(cause && { reason: cause }),
    ...(isOver && ended?.failure && { code: ended.failure.code, error: ended.failure.message }),
  };
}

function inviteOf(metadata: VpUpdate['metadata'], epoch: number): SessionInvite | null {
  const { participantToken, stageArn, asset } = metadata;
  if (participantToken === undefined) return null;
  return { epoch, participantToken, stageArn: stageArn ?? null, asset: asset ?? null };
}

function reasonOf(reason: string): string {
  return reason === '' ? 'UNKNOWN' : reason;
}
