import {
  type AnyEventObject,
  type AnyStateMachine,
  createActor,
  createMachine,
  fromPromise,
  type InspectionEvent,
} from 'xstate';
import {
  InspectedActors,
  type Inspection,
  inspectionOf,
  MAX_INSPECTION_LENGTH,
  type SnapshotInspection,
  stringifyInspection,
} from './inspection.ts';
import { type ParticipantInvite, type Preparation, participantMachine } from './participant.ts';
import { sessionMachine } from './session.ts';
import { labelsOf } from './testing/paths.ts';

const invite = {
  epoch: 1,
  stageArn: 'arn',
  assetName: null,
  loop: true,
  userId: null,
  attributes: {},
  maxDurationSeconds: null,
};

const noteIn = (told: Inspection[]) => (event: InspectionEvent) => {
  const inspection = inspectionOf(event);
  if (inspection !== null) told.push(inspection);
};

/** What is told of a participant that is invited, prepared and kicked. */
async function run(): Promise<Inspection[]> {
  const told: Inspection[] = [];
  const actor = createActor(
    participantMachine.provide({
      actors: {
        prepare: fromPromise<Preparation, { invite: ParticipantInvite | null }>(async () => ({
          participantToken: 'T',
          participantId: 'p1',
          asset: null,
        })),
        enforceLeave: fromPromise<void, { participantId: string | null; stageArn: string | null }>(
          () => new Promise(() => {}),
        ),
      },
    }),
    { inspect: noteIn(told) },
  ).start();
  actor.send({ type: 'invite.received', invite });
  await new Promise<void>((resolve) => {
    const { unsubscribe } = actor.subscribe((snapshot) => {
      if (!snapshot.matches({ serving: { session: { active: { invited: 'joining' } } } })) return;
      unsubscribe();
      resolve();
    });
  });
  actor.send({ type: 'kick.received', reason: 'ENOUGH' });
  actor.stop();
  return told;
}

/** XState numbers the actors of a process; here from 0. */
function idsFrom0(told: readonly Inspection[]): (id: string | undefined) => string | undefined {
  const ids = [...new Set(told.map(({ sessionId }) => sessionId))];
  return (id) => (id === undefined ? undefined : `x:${ids.indexOf(id)}`);
}

describe('inspectionOf', () => {
  it('tells actors, events and states in the order in which they happened, and nothing of microsteps and actions', async () => {
    const told = await run();
    const idOf = idsFrom0(told);

    const lines = told.map((inspection) => {
      const id = idOf(inspection.sessionId);
      if (inspection.type === '@xstate.actor') return [id, 'is', inspection.name, 'of', idOf(inspection.parentId)];
      if (inspection.type === '@xstate.event') {
        return [id, 'gets', inspection.event.type, 'from', idOf(inspection.sourceId)];
      }
      return [id, 'is', inspection.snapshot.status, 'by', inspection.event.type];
    });
    expect(lines).toEqual([
      ['x:0', 'is', 'participant', 'of', undefined],
      ['x:0', 'gets', 'xstate.init', 'from', undefined],
      ['x:0', 'is', 'active', 'by', 'xstate.init'],
      ['x:0', 'gets', 'invite.received', 'from', undefined],
      ['x:1', 'is', 'prepare', 'of', 'x:0'],
      ['x:1', 'gets', 'xstate.init', 'from', 'x:0'],
      ['x:1', 'is', 'active', 'by', 'xstate.init'],
      ['x:0', 'is', 'active', 'by', 'invite.received'],
      ['x:1', 'gets', 'xstate.promise.resolve', 'from', 'x:1'],
      ['x:0', 'gets', 'xstate.done.actor.prepare', 'from', 'x:1'],
      ['x:0', 'is', 'active', 'by', 'xstate.done.actor.prepare'],
      ['x:1', 'is', 'done', 'by', 'xstate.promise.resolve'],
      ['x:0', 'gets', 'kick.received', 'from', undefined],
      ['x:2', 'is', 'enforceLeave', 'of', 'x:0'],
      ['x:2', 'gets', 'xstate.init', 'from', 'x:0'],
      ['x:2', 'is', 'active', 'by', 'xstate.init'],
      ['x:0', 'is', 'active', 'by', 'kick.received'],
      ['x:2', 'is', 'stopped', 'by', 'xstate.stop'],
      ['x:0', 'is', 'stopped', 'by', 'xstate.stop'],
    ]);
  });

  it.each<[string, AnyStateMachine]>([
    ['participant', participantMachine],
    ['session', sessionMachine],
  ])('tells the whole statechart of the %s machine, however deep', (name, machine) => {
    const told: Inspection[] = [];
    createActor(machine, { inspect: noteIn(told) });

    const [actor] = told;
    const definition = actor?.type === '@xstate.actor' ? JSON.parse(actor.definition) : {};
    expect(told.length).toBe(1);
    expect(definition.id).toBe(name);
    expect([...labelsOf(createMachine(definition)).values()]).toEqual([...labelsOf(machine).values()]);
  });

  it('tells of an actor that is no machine by its name', () => {
    const told: Inspection[] = [];
    createActor(
      fromPromise(async () => {}),
      { id: 'fetch', inspect: noteIn(told) },
    );

    expect(told.map((inspection) => inspection.type === '@xstate.actor' && inspection.definition)).toEqual([
      '{"id":"fetch"}',
    ]);
  });
});

const about = { rootId: 'x:0', createdAt: '1700000000000', id: '', _version: '0.7.2' };
const actor = (sessionId: string, parentId?: string): Inspection => ({
  ...about,
  type: '@xstate.actor',
  sessionId,
  name: sessionId,
  parentId,
  definition: '{}',
  snapshot: { status: 'active' },
});
const state = (sessionId: string, more: object = {}, event: AnyEventObject = { type: 'go' }): SnapshotInspection => ({
  ...about,
  type: '@xstate.snapshot',
  sessionId,
  event,
  snapshot: { status: 'active', output: undefined, error: undefined, ...more },
});

describe('stringifyInspection', () => {
  it('leaves an inspection whole up to the longest text, and tells the outline of a longer one', () => {
    const longest = MAX_INSPECTION_LENGTH - JSON.stringify(state('x:0', { value: 'on', context: '' })).length;
    const fits = state('x:0', { value: 'on', context: 'c'.repeat(longest) });
    const exceeds = state('x:0', { value: 'on', context: 'c'.repeat(longest + 1) });

    expect(stringifyInspection(fits)).toBe(JSON.stringify(fits));
    expect(JSON.parse(stringifyInspection(exceeds))).toEqual({
      ...about,
      type: '@xstate.snapshot',
      sessionId: 'x:0',
      event: { type: 'go' },
      snapshot: { status: 'active', value: 'on' },
    });
  });

  it('leaves the payload out of an event that is too long', () => {
    const sent: Inspection = {
      ...about,
      type: '@xstate.event',
      sessionId: 'x:0',
      sourceId: 'x:1',
      event: { type: 'go', text: 'c'.repeat(MAX_INSPECTION_LENGTH) },
    };

    expect(JSON.parse(stringifyInspection(sent))).toEqual({ ...sent, event: { type: 'go' } });
  });

  it('leaves the statechart out of an actor that is too long', () => {
    const born = { ...actor('x:0'), definition: 'c'.repeat(MAX_INSPECTION_LENGTH) } as Inspection;

    expect(JSON.parse(stringifyInspection(born))).toEqual({ ...born, definition: '{"id":"x:0"}' });
  });
});

describe('InspectedActors', () => {
  it('tells each actor with its latest snapshot, and an actor without one alone', () => {
    const actors = new InspectedActors();
    const [root, child, last] = [actor('x:0'), actor('x:1', 'x:0'), state('x:0', { value: 'on' })];
    for (const inspection of [root, state('x:0', { value: 'off' }), child, last]) actors.take(inspection);

    expect(actors.present()).toEqual([root, last, child]);
  });

  it('forgets a child that has ended, and keeps how a root ended', () => {
    const actors = new InspectedActors();
    const [root, end] = [actor('x:0'), state('x:0', { status: 'done' })];
    const others = [actor('x:1', 'x:0'), state('x:1'), state('x:1', { status: 'stopped' })];
    for (const inspection of [root, ...others, end]) actors.take(inspection);

    expect(actors.present()).toEqual([root, end]);
  });

  it('knows 100 actors at most, and forgets the oldest child for the next one', () => {
    const actors = new InspectedActors();
    const all = [actor('x:0'), ...Array.from({ length: 100 }, (_, index) => actor(`x:${index + 1}`, 'x:0'))];
    for (const inspection of all) actors.take(inspection);

    expect(actors.present()).toEqual(all.filter(({ sessionId }) => sessionId !== 'x:1'));
  });

  it('takes no snapshot of an actor that it does not know', () => {
    const actors = new InspectedActors();
    actors.take(state('x:7'));

    expect(actors.present()).toEqual([]);
  });
});
