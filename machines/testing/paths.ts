import type { AnyActorScope, AnyMachineSnapshot, AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';
import { createEmptyActor, __unsafe_getAllOwnEventDescriptors as eventDescriptorsOf } from 'xstate';
import { getShortestPaths } from 'xstate/graph';

type Event = { type: string; [field: string]: unknown };

/** Everything that can happen to a machine, found by trying each event in each state, with no actor executed. */
export interface Exploration {
  /** The ids of the states that were active, for however short a time. */
  states: Set<string>;
  /** The {@link labelsOf} of the transitions that were taken. */
  transitions: Set<string>;
  snapshots: Map<string, AnyMachineSnapshot>;
  steps: { from: string; event: string; to: string }[];
}

export interface ExploreOptions {
  /** What to send for an event type, where the bare type is not enough. */
  payloads: Readonly<Record<string, readonly Event[]>>;
  /** Tells snapshots apart; it leaves out what no guard reads, or there are too many. */
  keyOf: (snapshot: AnyMachineSnapshot) => string;
}

/** Follows every event from every state that can be reached. Delays fire as events, at any moment of their state. */
export function explore(machine: AnyStateMachine, { payloads, keyOf }: ExploreOptions): Exploration {
  const eventsOf = (snapshot: AnyMachineSnapshot): Event[] =>
    eventDescriptorsOf(snapshot).flatMap((type) => payloads[type] ?? [{ type }]);
  const paths = getShortestPaths(machine, {
    // The list has to be a function of the state: a fixed one would leave out the delays.
    events: (snapshot) => eventsOf(snapshot as AnyMachineSnapshot),
    serializeState: (snapshot) => keyOf(snapshot as AnyMachineSnapshot),
    limit: 200_000,
  });

  const labels = labelsOf(machine);
  const states = new Set<string>();
  const transitions = new Set<string>();
  const scope = scopeOf((snapshot, taken) => {
    for (const node of snapshot._nodes) states.add(node.id);
    for (const transition of taken) transitions.add(labels.get(transition) ?? 'none');
  });
  const snapshots = new Map(
    paths.map(({ state }) => [keyOf(state as AnyMachineSnapshot), state as AnyMachineSnapshot]),
  );
  const steps = [...snapshots].flatMap(([from, snapshot]) =>
    eventsOf(snapshot).map((event) => ({
      from,
      event: event.type,
      to: keyOf(machine.transition(snapshot, event, scope)),
    })),
  );
  return { states, transitions, snapshots, steps };
}

/** The keys of the snapshots from which delays alone do not lead to one that `isEnd`. */
export function endlessSnapshots({ snapshots, steps }: Exploration, isEnd: (snapshot: AnyMachineSnapshot) => boolean) {
  const ending = new Set([...snapshots].filter(([, snapshot]) => isEnd(snapshot)).map(([key]) => key));
  const delays = steps.filter(({ event }) => event.startsWith('xstate.after.'));
  for (let known = -1; known < ending.size; ) {
    known = ending.size;
    for (const { from, to } of delays) if (ending.has(to)) ending.add(from);
  }
  return [...snapshots.keys()].filter((key) => !ending.has(key));
}

/** All states of a machine, the root first. */
export function nodesOf(machine: AnyStateMachine): AnyStateNode[] {
  const below = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(below)];
  return below(machine.root);
}

/** All transitions of a machine, each by its state, its event and its place among the candidates. */
export function labelsOf(machine: AnyStateMachine): Map<AnyTransitionDefinition, string> {
  return new Map(
    nodesOf(machine).flatMap((node) =>
      [...node.transitions, ['always', node.always ?? []] as const].flatMap(([event, candidates]) =>
        candidates.map((candidate, index) => [candidate, `${node.id}: ${event} ${index + 1}`] as const),
      ),
    ),
  );
}

/** The invokes of a machine that lack an id of their own or an `onError`, which would take the whole machine down. */
export function unguardedInvokes(machine: AnyStateMachine): string[] {
  return nodesOf(machine).flatMap((node) =>
    node.invoke
      .filter(({ id }) => id.includes('.') || !node.transitions.has(`xstate.error.actor.${id}`))
      .map(({ id }) => `${node.id}: ${id}`),
  );
}

/** A scope in which nothing is executed, and which tells of every microstep. */
function scopeOf(onMicrostep: (snapshot: AnyMachineSnapshot, taken: AnyTransitionDefinition[]) => void): AnyActorScope {
  const self = createEmptyActor();
  self.system.inspect((event) => {
    if (event.type === '@xstate.microstep') onMicrostep(event.snapshot as AnyMachineSnapshot, event._transitions);
  });
  const nothing = () => {};
  return {
    self,
    id: '',
    sessionId: '',
    system: self.system,
    logger: nothing,
    defer: nothing,
    emit: nothing,
    stopChild: nothing,
    actionExecutor: nothing,
  };
}
