import type { ActorRefFrom, SnapshotFrom } from 'xstate';
import { assertEvent, assign, fromCallback, raise, sendTo, setup } from 'xstate';
import type { Failure } from './failures.ts';
import { failure } from './failures.ts';
import type { SessionState } from './protocol.ts';
import type { SessionContext, SessionEvent, SourceInput, StageCommand, StageInput } from './session-events.ts';

export type * from './session-events.ts';

/** Every wait of a session, in milliseconds; `sessionMachine.provide({ delays })` sets others. */
export const SESSION_DELAYS = {
  /** For one attempt to join; the SDK gives up after 12 s by itself. */
  joinTimeout: 15_000,
  /** From `joined` until the source has its first picture. */
  sourceTimeout: 15_000,
  /** For one attempt to publish, until media is seen leaving. */
  publishTimeout: 5_000,
  /** From asking to leave until the stage was left; after it the session ends all the same. */
  leaveTimeout: 1_000,
  /** For the whole session: IVS keeps a participant on a stage for at most 24 hours. */
  sessionTimeout: 86_400_000,
} as const;

/** Before each new attempt to join, in milliseconds; the last one is repeated. */
const BACKOFF_MS = [250, 500, 1_000, 2_000, 4_000] as const;

/** When so many publishes in a row failed on one connection, the stage is joined anew. */
const PUBLISHES_PER_JOIN = 3;

const initialContext: SessionContext = {
  epoch: null,
  invite: null,
  nextInvite: null,
  source: null,
  onStage: null,
  publishTries: 0,
  joinTries: 0,
  hasPublished: false,
  reason: '',
  failure: null,
  ended: null,
};

const SOURCE_TIMEOUT = failure('ASSET_TIMEOUT', 'The asset gave no picture in time. Is the server of its URL up?');

/**
 * The page's machine: one invite's life on the stage. `source` and `stage` are given by `provide`; each lives as long
 * as the state that invokes it, and leaving that state is what ends it.
 */
export const sessionMachine = setup({
  types: {
    context: {} as SessionContext,
    events: {} as SessionEvent,
    children: {} as { source: 'source'; stage: 'stage' },
  },
  actors: {
    source: fromCallback<{ type: 'none' }, SourceInput>(() => notProvided('source')),
    stage: fromCallback<StageCommand, StageInput>(() => notProvided('stage')),
  },
  actions: {
    'keep invite': assign(({ event }) => {
      assertEvent(event, 'session.start');
      return { nextInvite: event.invite, epoch: event.invite.epoch };
    }),
    'begin kept invite': assign(({ context }) => ({
      ...initialContext,
      epoch: context.epoch,
      invite: context.nextInvite,
      ended: context.ended,
    })),
    'forget kept invite': assign({ nextInvite: null }),
    'note epoch': assign(({ context, event }) => {
      assertEvent(event, 'session.stop');
      return { epoch: event.epoch ?? context.epoch };
    }),
    'note source': assign(({ event }) => {
      assertEvent(event, 'source.ready');
      return { source: event.source };
    }),
    'note reason': assign(({ event }) => {
      assertEvent(event, ['session.stop', 'media.stopped', 'stage.lost', 'stage.removed']);
      return { reason: event.reason };
    }),
    'note superseded': assign({ reason: 'SUPERSEDED' }),
    'note asset ended': assign({ reason: 'ENDED' }),
    'note failure': assign(({ event }) => {
      assertEvent(event, ['source.failed', 'stage.failed']);
      return { failure: event.failure, reason: event.failure.code };
    }),
    'note crash': assign((_, params: { actor: string; error: unknown }) => ({
      failure: crash(params),
      reason: 'INTERNAL',
    })),
    'note on stage': assign(({ event }) => {
      assertEvent(event, 'stage.joined');
      const { participantId, stageArn } = event;
      return { onStage: { participantId, stageArn }, publishTries: 0, reason: '' };
    }),
    'note media': assign({ hasPublished: true, publishTries: 0, joinTries: 0, reason: '' }),
    'count publish': assign({ publishTries: ({ context }) => context.publishTries + 1 }),
    'count join': assign({
      onStage: null,
      joinTries: ({ context }) => Math.min(context.joinTries + 1, BACKOFF_MS.length),
    }),
    'note gave up': assign(({ context, event }) => {
      assertEvent(event, 'stage.lost');
      const failed = gaveUp(context, event.reason);
      return { failure: failed, reason: failed.code };
    }),
    'end session': assign({
      onStage: null,
      ended: ({ context }) => ({
        epoch: context.invite?.epoch ?? 0,
        reason: context.reason,
        failure: context.failure,
      }),
    }),
    'end unseen session': assign(({ context, event }) => {
      assertEvent(event, 'session.stop');
      const epoch = event.epoch ?? context.epoch;
      return { epoch, ended: { epoch: epoch ?? 0, reason: event.reason, failure: null } };
    }),
    'ask to publish': sendTo('stage', { type: 'publish' }),
    'ask to publish again': sendTo('stage', { type: 'republish' }),
    'ask to leave': sendTo('stage', { type: 'leave' }),
  },
  guards: {
    'names another epoch': ({ context, event }) => {
      assertEvent(event, ['session.start', 'session.stop']);
      const epoch = event.type === 'session.start' ? event.invite.epoch : event.epoch;
      return epoch !== undefined && epoch !== context.epoch;
    },
    'has source': ({ context }) => context.source !== null,
    'has failure': ({ context }) => context.failure !== null,
    'has kept invite': ({ context }) => context.nextInvite !== null,
    'may publish again': ({ context }) => context.publishTries < PUBLISHES_PER_JOIN,
    // A session that has published lasts as long as its token, whose end the stage actor tells by `stage.failed`.
    'may join again': ({ context }) => context.hasPublished || context.joinTries < BACKOFF_MS.length,
  },
  delays: {
    ...SESSION_DELAYS,
    backoff: ({ context }) => BACKOFF_MS[context.joinTries - 1] ?? 0,
  },
}).createMachine({
  id: 'session',
  context: initialContext,
  initial: 'idle',
  states: {
    idle: {
      on: {
        'session.start': {
          guard: 'names another epoch',
          target: 'session',
          actions: ['keep invite', 'begin kept invite'],
        },
        'session.stop': { guard: 'names another epoch', actions: 'end unseen session' },
      },
    },

    session: {
      invoke: {
        id: 'source',
        src: 'source',
        input: ({ context }) => ({ asset: context.invite?.asset ?? null }),
        onError: {
          target: 'over',
          actions: { type: 'note crash', params: ({ event }) => ({ actor: 'source', error: event.error }) },
        },
      },
      after: { sessionTimeout: { actions: raise({ type: 'session.stop', reason: 'MAX_DURATION' }) } },
      initial: 'connection',
      on: { 'source.ready': { actions: 'note source' } },
      states: {
        connection: {
          invoke: {
            id: 'stage',
            src: 'stage',
            input: ({ context }) => ({ invite: context.invite }),
            onError: {
              target: '#session.over',
              actions: { type: 'note crash', params: ({ event }) => ({ actor: 'stage', error: event.error }) },
            },
          },
          initial: 'joining',
          on: {
            'session.stop': { target: '.leaving', actions: ['note epoch', 'note reason'] },
            'session.start': {
              guard: 'names another epoch',
              target: '.leaving',
              actions: ['keep invite', 'note superseded'],
            },
            'source.ended': { target: '.leaving', actions: 'note asset ended' },
            'source.failed': { target: '.leaving', actions: 'note failure' },
            'stage.failed': { target: '.leaving', actions: 'note failure' },
            'stage.removed': { target: '#session.over', actions: 'note reason' },
            'stage.lost': [
              { guard: 'may join again', target: 'reconnecting', actions: 'note reason' },
              { target: '#session.over', actions: 'note gave up' },
            ],
          },
          states: {
            joining: {
              after: { joinTimeout: { actions: raise({ type: 'stage.lost', reason: 'JOIN_TIMEOUT' }) } },
              on: {
                'stage.joined': [
                  { guard: 'has source', target: 'publishing', actions: ['note on stage', 'ask to publish'] },
                  { target: 'joined', actions: 'note on stage' },
                ],
              },
            },

            joined: {
              after: { sourceTimeout: { actions: raise({ type: 'source.failed', failure: SOURCE_TIMEOUT }) } },
              on: { 'source.ready': { target: 'publishing', actions: ['note source', 'ask to publish'] } },
            },

            publishing: {
              after: { publishTimeout: { actions: raise({ type: 'media.stopped', reason: 'NO_MEDIA' }) } },
              on: {
                'media.flowing': { target: 'published', actions: 'note media' },
                'media.stopped': [
                  {
                    guard: 'may publish again',
                    target: 'publishing',
                    reenter: true,
                    actions: ['note reason', 'count publish', 'ask to publish again'],
                  },
                  { actions: raise(({ event }) => ({ type: 'stage.lost', reason: event.reason })) },
                ],
              },
            },

            published: {
              on: {
                'media.stopped': {
                  target: 'publishing',
                  actions: ['note reason', 'count publish', 'ask to publish again'],
                },
              },
            },

            leaving: {
              entry: 'ask to leave',
              after: { leaveTimeout: '#session.over' },
              on: {
                'session.start': { guard: 'names another epoch', actions: 'keep invite' },
                'session.stop': { actions: ['note epoch', 'forget kept invite'] },
                'stage.left': '#session.over',
                'stage.lost': '#session.over',
                'stage.removed': '#session.over',
                'stage.failed': '#session.over',
                'source.ended': {},
                'source.failed': {},
              },
            },
          },
        },

        reconnecting: {
          entry: 'count join',
          after: { backoff: 'connection' },
          on: {
            'session.stop': { target: '#session.over', actions: ['note epoch', 'note reason'] },
            'session.start': {
              guard: 'names another epoch',
              target: '#session.over',
              actions: ['keep invite', 'note superseded'],
            },
            'source.ended': { target: '#session.over', actions: 'note asset ended' },
            'source.failed': { target: '#session.over', actions: 'note failure' },
          },
        },
      },
    },

    over: {
      entry: 'end session',
      always: [
        { guard: 'has kept invite', target: 'session', actions: 'begin kept invite' },
        { guard: 'has failure', target: 'failed' },
        { target: 'idle' },
      ],
    },

    failed: {
      on: {
        'session.start': {
          guard: 'names another epoch',
          target: 'session',
          actions: ['keep invite', 'begin kept invite'],
        },
        'session.stop': { target: 'idle', actions: 'note epoch' },
      },
    },
  },
});

export type SessionActor = ActorRefFrom<typeof sessionMachine>;
export type SessionSnapshot = SnapshotFrom<typeof sessionMachine>;

/** The state of a session as `vp.stats` tells it: the name of the innermost state. */
export function sessionStateOf(snapshot: SessionSnapshot): SessionState {
  if (typeof snapshot.value === 'string') return snapshot.value === 'failed' ? 'failed' : 'idle';
  const { session } = snapshot.value;
  return session === 'reconnecting' ? 'reconnecting' : session.connection;
}

function gaveUp({ onStage }: SessionContext, reason: string): Failure {
  return onStage === null
    ? failure(
        'JOIN_FAILED',
        `The stage could not be joined (${reason}). Does it exist, and can this machine reach IVS?`,
      )
    : failure('PUBLISH_FAILED', `No media arrived at the stage (${reason}). Are UDP and WHIP to IVS open?`);
}

/** Names the kind of error only: its text is not ours, and may hold a token. */
function crash({ actor, error }: { actor: string; error: unknown }): Failure {
  const kind = error instanceof Error ? error.name : typeof error;
  return failure('INTERNAL', `The ${actor} of the page crashed (${kind}). Please report this fault.`);
}

function notProvided(actor: string): never {
  throw new Error(`The session machine has no "${actor}" actor: use sessionMachine.provide({ actors: { ${actor} } }).`);
}
