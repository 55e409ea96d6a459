import type { PageMessage, VpStats, VpUpdate } from './protocol.ts';
import type { SessionEvent, SessionInvite, SessionSnapshot } from './session.ts';
import { sessionStateOf } from './session.ts';

/** What the page counts besides its machine, for `vp.stats`. */
export type MediaFigures = Pick<VpStats, 'frames' | 'bytes' | 'fps' | 'mediaTimeMs' | 'loops' | 'rejoins'>;

/** What a `vp.update` asks of the session machine; `null` when it asks for nothing. */
export function sessionEventOf(update: VpUpdate, presentEpoch: number): SessionEvent | null {
  const { status, metadata } = update;
  const epoch = metadata.epoch ?? update.epoch ?? presentEpoch;
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
  const epoch = is.invite?.epoch ?? 0;
  const endedNow = is.ended !== was.ended && !isOver(before) ? is.ended : null;

  if (sessionStateOf(before) === 'published' && sessionStateOf(after) !== 'published') {
    messages.push({
      type: 'vp.unpublished',
      reason: reasonOf(endedNow?.reason ?? is.reason),
      epoch: endedNow?.epoch ?? epoch,
    });
  }
  if (endedNow?.failure) {
    const { code, message } = endedNow.failure;
    messages.push({ type: 'vp.error', error: message, code, epoch: endedNow.epoch });
  }
  if (endedNow !== null) {
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

/**
 * The `vp.stats` of a session: its state, and why the last one ended. Its epoch is the session's, and between sessions
 * the one that the server named last: thereby the server knows that its word was heard.
 */
export function statsOf(snapshot: SessionSnapshot, figures: MediaFigures): VpStats {
  const { epoch, invite, onStage, source, ended, reason } = snapshot.context;
  const over = isOver(snapshot);
  const last = over && ended?.epoch === epoch ? ended : null;
  const cause = over ? last?.reason : reason;
  const failed = last?.failure;
  return {
    type: 'vp.stats',
    state: sessionStateOf(snapshot),
    epoch: (over ? epoch : invite?.epoch) ?? 0,
    participantId: onStage?.participantId ?? null,
    ...figures,
    ...(source && { source: source.kind }),
    ...(cause && { reason: cause }),
    ...(failed && { code: failed.code, error: failed.message }),
  };
}

/**
 * What a page sends on each new connection, in this order: where it stands before it asks, or a server that lost its
 * memory would take a page that is on a stage for free.
 *
 * @param isFirst - whether this is the first connection since the page was loaded.
 */
export function greetingOf(snapshot: SessionSnapshot, figures: MediaFigures, isFirst: boolean): PageMessage[] {
  return [...(isFirst ? [{ type: 'vp.ready' } as const] : []), statsOf(snapshot, figures), { type: 'vp.subscribe_vp' }];
}

function isOver(snapshot: SessionSnapshot): boolean {
  const state = sessionStateOf(snapshot);
  return state === 'idle' || state === 'failed';
}

function inviteOf(metadata: VpUpdate['metadata'], epoch: number): SessionInvite | null {
  const { participantToken, stageArn, asset } = metadata;
  if (participantToken === undefined) return null;
  return { epoch, participantToken, stageArn: stageArn ?? null, asset: asset ?? null };
}

function reasonOf(reason: string): string {
  return reason === '' ? 'UNKNOWN' : reason;
}
