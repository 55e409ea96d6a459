import type { AnyActorRef, AnyStateMachine, EventFromLogic, SnapshotFrom } from 'xstate';
import { initialTransition, transition } from 'xstate';

/** Where some events lead, with nothing executed. */
export interface Walk<T extends AnyStateMachine> {
  snapshot: SnapshotFrom<T>;
  /** What the last event would have the actors do, in order: `start stage`, `tell stage: publish`, `stop stage`. */
  effects: string[];
}

/** Sends events to a machine as pure transitions, from its initial state or from where another walk ended. */
export function walk<T extends AnyStateMachine>(machine: T, events: EventFromLogic<T>[], from?: Walk<T>): Walk<T> {
  const start = from ?? { snapshot: initialTransition<AnyStateMachine>(machine)[0] as SnapshotFrom<T>, effects: [] };
  return events.reduce(({ snapshot }, event) => {
    const [next, actions] = transition(machine, snapshot, event);
    return { snapshot: next, effects: actions.flatMap(effectOf) };
  }, start);
}

function effectOf({ type, params }: { type: string; params: unknown }): string[] {
  switch (type) {
    case 'xstate.spawnChild':
      return [`start ${(params as { id: string }).id}`];
    case 'xstate.stopChild':
      return [`stop ${(params as AnyActorRef).id}`];
    case 'xstate.sendTo': {
      const { targetId, event } = params as { targetId: string; event: { type: string } };
      return [`tell ${targetId}: ${event.type}`];
    }
    default:
      return [];
  }
}
