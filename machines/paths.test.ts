import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { failure } from './failures.ts';
import type { PageReport, ParticipantContext } from './participant.ts';
import { participantMachine } from './participant.ts';
import type { SessionContext } from './session.ts';
import { sessionMachine } from './session.ts';
import type { Exploration, ExploreOptions } from './testing/paths.ts';
import { endlessSnapshots, explore, labelsOf, nodesOf, unguardedInvokes } from './testing/paths.ts';

const failed = failure('INTERNAL', 'It broke.');
const reason = 'REASON';

const session: ExploreOptions = {
  payloads: {
    'session.start': [1, 2].map((epoch) => ({
      type: 'session.start',
      invite: { epoch, participantToken: 'T', stageArn: null, asset: null },
    })),
    'session.stop': [1, 2].map((epoch) => ({ type: 'session.stop', epoch, reason })),
    'source.ready': [{ type: 'source.ready', source: { kind: 'capture', name: 'a.mp4' } }],
    'source.failed': [{ type: 'source.failed', failure: failed }],
    'stage.joined': [{ type: 'stage.joined', participantId: 'p1', stageArn: 'arn' }],
    'stage.lost': [{ type: 'stage.lost', reason }],
    'stage.removed': [{ type: 'stage.removed', reason: 'STAGE_DELETED' }],
    'stage.failed': [{ type: 'stage.failed', failure: failed }],
    'media.stopped': [{ type: 'media.stopped', reason }],
  },
  keyOf: ({ value, context }) => {
    const { epoch, invite, nextInvite, source, publishTries, joinTries, hasPublished, failure } =
      context as SessionContext;
    const epochs = [epoch, invite?.epoch, nextInvite?.epoch];
    return JSON.stringify([value, epochs, source !== null, publishTries, joinTries, hasPublished, failure !== null]);
  },
};

const report = (state: PageReport['state'], more: Partial<PageReport> = {}) => ({
  type: 'page.reported',
  report: { epoch: 1, state, participantId: null, reason: null, failure: null, tellsMedia: true, ...more },
});

const participant: ExploreOptions = {
  payloads: {
    'page.lost': [{ type: 'page.lost', reason }],
    'page.reported': [
      ...(['idle', 'joining', 'joined', 'published', 'leaving'] as const).map((state) => report(state)),
      report('published', { epoch: 2 }),
      report('joined', { tellsMedia: false }),
      report('idle', { reason: 'STAGE_DELETED' }),
      report('failed', { failure: failed }),
    ],
    'invite.received': [1, 2].map((epoch) => ({
      type: 'invite.received',
      invite: {
        epoch,
        stageArn: 'arn',
        assetName: null,
        loop: true,
        userId: null,
        attributes: {},
        maxDurationSeconds: null,
      },
    })),
    'kick.received': [1, 2].map((epoch) => ({ type: 'kick.received', epoch, reason })),
    'status.reported': [{ type: 'status.reported', epoch: 1, status: 'ERRORED' }],
    'xstate.done.actor.prepare': [
      {
        type: 'xstate.done.actor.prepare',
        output: { participantToken: 'T', participantId: null, asset: null },
      },
    ],
  },
  keyOf: ({ value, context }) => {
    const { epoch, invite, preparation, tellsMedia, failure } = context as ParticipantContext;
    return JSON.stringify([value, epoch, invite?.epoch, preparation !== null, tellsMedia, failure !== null]);
  },
};

interface Expectations {
  machine: AnyStateMachine;
  options: ExploreOptions;
  /** Whether there is no session, or no invite, any more. */
  isEnd: (snapshot: AnyMachineSnapshot) => boolean;
  /** The states within an invite that wait for nothing, and so need no delay of their own. */
  steady: string[];
  /** The state that holds all states of an invite. */
  inside: string;
}

const MACHINES: [string, Expectations][] = [
  [
    'session machine',
    {
      machine: sessionMachine,
      options: session,
      isEnd: (snapshot) => snapshot.matches('idle') || snapshot.matches('failed'),
      inside: 'session.session',
      // Media flow; sessionTimeout limits it.
      steady: ['session.session.connection.published'],
    },
  ],
  [
    'participant machine',
    {
      machine: participantMachine,
      options: participant,
      isEnd: (snapshot) => snapshot.matches('stopped') || snapshot.matches({ serving: { session: 'available' } }),
      inside: 'participant.serving.session',
      steady: [
        'available',
        // Media flow; maxDuration limits it.
        'published',
        // It is left at once.
        'participant.serving.session.left',
      ],
    },
  ],
];

describe.each(MACHINES)('%s', (_, { machine, options, isEnd, inside, steady }) => {
  let found: Exploration;
  beforeAll(() => {
    found = explore(machine, options);
  });

  it('reaches every state', () => {
    expect([...found.states].sort()).toEqual(
      nodesOf(machine)
        .map(({ id }) => id)
        .sort(),
    );
  });

  it('takes every transition', () => {
    expect([...found.transitions].sort()).toEqual([...labelsOf(machine).values()].sort());
  });

  it('comes to an end by its delays alone, wherever it is', () => {
    expect(endlessSnapshots(found, isEnd)).toEqual([]);
  });

  it('never fails itself', () => {
    expect([...found.snapshots.values()].filter(({ status }) => status === 'error')).toEqual([]);
  });

  it('gives every invoke an id and an onError', () => {
    expect(unguardedInvokes(machine)).toEqual([]);
  });

  it('limits every wait of an invite by a delay that has a name', () => {
    const nodes = nodesOf(machine).filter(({ path }) => `${machine.id}.${path.join('.')}`.startsWith(`${inside}.`));
    const leaves = nodes.filter(({ type }) => type === 'atomic');
    expect(leaves.filter(({ after }) => after.length === 0).map(({ id }) => id)).toEqual(steady);
    expect(
      nodes.flatMap(({ after }) => after.map(({ delay }) => typeof delay)).filter((type) => type !== 'string'),
    ).toEqual([]);
  });
});
