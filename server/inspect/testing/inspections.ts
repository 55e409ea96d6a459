import type { ActorInspection, EventInspection, SnapshotInspection } from '../../../machines/inspection.ts';

const about = (sessionId: string, atMs: number) => ({
  sessionId,
  rootId: 'x:0',
  createdAt: String(atMs),
  id: '',
  _version: '0.7.2',
});

/** That an actor has come to be. */
export function actorAt(atMs: number, sessionId = 'x:0', parentId?: string): ActorInspection {
  const name = parentId === undefined ? 'machine' : 'child';
  return {
    ...about(sessionId, atMs),
    type: '@xstate.actor',
    name,
    parentId,
    definition: '{}',
    snapshot: { status: 'active' },
  };
}

/** That an actor was sent an event. */
export function eventAt(atMs: number, event: EventInspection['event'], sessionId = 'x:0'): EventInspection {
  return { ...about(sessionId, atMs), type: '@xstate.event', sourceId: undefined, event };
}

/** That an actor has a new state. */
export function stateAt(
  atMs: number,
  value: unknown,
  { sessionId = 'x:0', event = 'go', status = 'active' }: { sessionId?: string; event?: string; status?: string } = {},
): SnapshotInspection {
  const snapshot = { status, value } as unknown as SnapshotInspection['snapshot'];
  return { ...about(sessionId, atMs), type: '@xstate.snapshot', event: { type: event }, snapshot };
}
