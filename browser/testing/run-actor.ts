import { type CallbackActorLogic, createActor, createMachine, type EventObject } from 'xstate';

/** An actor in a parent that only writes down what it is told. */
export interface RunningActor<Command extends EventObject> {
  /** Every event the actor sent to its parent, in order; a crash is XState's `xstate.error.actor.…`. */
  readonly events: EventObject[];
  send(command: Command): void;
  /** Leaves the state that invokes the actor, as the session machine does. */
  stop(): void;
}

/** Runs a callback actor as an invoked child. */
export function runActor<Command extends EventObject, Input>(
  logic: CallbackActorLogic<Command, Input>,
  input: Input,
): RunningActor<Command> {
  const events: EventObject[] = [];
  const note = { actions: ({ event }: { event: EventObject }) => events.push(event) };
  const machine = createMachine({
    initial: 'running',
    states: {
      running: {
        invoke: { id: 'actor', src: logic, input, onError: note },
        on: { 'test.stop': 'stopped', '*': note },
      },
      stopped: { on: { '*': note } },
    },
  });
  const parent = createActor(machine).start();
  const child = parent.getSnapshot().children['actor'];
  return {
    events,
    send: (command) => child?.send(command),
    stop: () => parent.send({ type: 'test.stop' }),
  };
}
