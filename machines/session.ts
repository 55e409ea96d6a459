import type { ActorRefFrom, SnapshotFrom } from 'xstate';
import { assign, fromCallback, raise, sendTo, setup } from 'xstate';
import type { Failure } from './failures.ts';
import { failure } from './failures.ts';
import type { Asset, REMOVALS, SessionState } from './protocol.ts';

/** One invite as the page knows it. */
export interface SessionInvite {
  epoch: number;
  /** Opaque: it is handed to the IVS SDK and never read for more than hints. */
  participantToken: string;
  stageArn: string | null;
  /** `null`: the source decides by itself what to play. */
  asset: Asset | null;
}

/** What a source tells about itself once it has a picture. */
export interface SourceInfo {
  kind: string;
  name: string;
}

/** Why a session is over: asked for, ended by itself, taken off the stage, or failed. */
export interface SessionEnd {
  epoch: number;
  reason: string;
  failure: Failure | null;
}

export interface SessionContext {
  invite: SessionInvite | null;
  /** A newer invite that waits until the present session has left the stage. */
  nextInvite: SessionInvite | null;
  source: SourceInfo | null;
  /** Who the page is on the stage; `null` while it is not on it. */
  onStage: { participantId: string; stageArn: string } | null;
  /** Failed publishes on this connection, and failed connections, since media last flowed. */
  publishTries: number;
  joinTries: number;
  hasPublished: boolean;
  /** Why the machine is where it is: why media stopped, the stage was lost, or leaving began. */
  reason: string;
  failure: Failure | null;
  /** The session that ended last. An invite that is not newer is not started again. */
  ended: SessionEnd | null;
}

export type SessionEvent =
  | { type: 'session.start'; invite: SessionInvite }
  /** Without `epoch` it means the present session. */
  | { type: 'session.stop'; epoch?: number; reason: string }
  | SourceEvent
  | StageEvent;

/** What the source actor tells. */
export type SourceEvent =
  | { type: 'source.ready'; source: SourceInfo }
  /** The asset does not loop and is over. */
  | { type: 'source.ended' }
  | { type: 'source.failed'; failure: Failure };

/** What the stage actor tells. */
export type StageEvent =
  | { type: 'stage.joined'; participantId: string; stageArn: string }
  /** Frames and bytes are seen leaving. */
  | { type: 'media.flowing' }
  /** No media is seen leaving, or the SDK gave up publishing: publish again. */
  | { type: 'media.stopped'; reason: string }
  /** The stage is gone or could not be joined: join it again. */
  | { type: 'stage.lost'; reason: string }
  /** IVS took the participant off the stage. */
  | { type: 'stage.removed'; reason: (typeof REMOVALS)[number] }
  /** Nothing more can be tried with this invite. */
  | { type: 'stage.failed'; failure: Failure }
  /** The stage was left because it was asked for. */
  | { type: 'stage.left' };

/** What the machine tells the stage actor. */
export type StageCommand = { type: 'publish' } | { type: 'republish' } | { type: 'leave' };

export interface StageInput {
  /** `null` only for a machine that was started without an invite, which its statechart rules out. */
  invite: SessionInvite | null;
}
export interface SourceInput {
  asset: Asset | null;
}

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
} as const;

/** Before each new attempt to join, in milliseconds; the last one is repeated. */
const BACKOFF_MS = [250, 500, 1_000, 2_000, 4_000] as const;

/** When so many publishes in a row failed on one connection, the stage is joined anew. */
const PUBLISHES_PER_JOIN = 3;

const initialContext: SessionContext = {
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

type Ev<T extends SessionEvent['type']> = { event: Extract<SessionEvent, { type: T }> };
type WithReason = { event: { reason: string } };
type WithFailure = { event: { failure: Failure } };

const startIsNewer = {
  type: 'is newer',
  params: ({ event }: Ev<'session.start'>) => ({ epoch: event.invite.epoch }),
} as const;
const stopIsNewer = { type: 'is newer', params: ({ event }: Ev<'session.stop'>) => ({ epoch: event.epoch }) } as const;
const stopCoversSession = {
  type: 'covers session',
  params: ({ event }: Ev<'session.stop'>) => ({ epoch: event.epoch }),
} as const;
const stopCoversNext = {
  type: 'covers next invite',
  params: ({ event }: Ev<'session.stop'>) => ({ epoch: event.epoch }),
} as const;
const beginStarted = {
  type: 'begin session',
  params: ({ event }: Ev<'session.start'>) => ({ invite: event.invite }),
} as const;
const keepStarted = {
  type: 'keep next invite',
  params: ({ event }: Ev<'session.start'>) => ({ invite: event.invite }),
} as const;
const noteSource = {
  type: 'note source',
  params: ({ event }: Ev<'source.ready'>) => ({ source: event.source }),
} as const;
const noteOnStage = {
  type: 'note on stage',
  params: ({ event }: Ev<'stage.joined'>) => ({ participantId: event.participantId, stageArn: event.stageArn }),
} as const;
const noteReason = { type: 'note reason', params: ({ event }: WithReason) => ({ reason: event.reason }) } as const;
const noteSuperseded = { type: 'note reason', params: { reason: 'SUPERSEDED' } } as const;
const noteEnded = { type: 'note reason', params: { reason: 'ENDED' } } as const;
const noteFailure = { type: 'note failure', params: ({ event }: WithFailure) => ({ failure: event.failure }) } as const;
const noteCrash = {
  type: 'note failure',
  params: ({ event }: { event: { error: unknown } }) => ({ failure: failure('INTERNAL', String(event.error)) }),
} as const;

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
    'begin session': assign(({ context }, params: { invite: SessionInvite | null }) => ({
      ...initialContext,
      invite: params.invite,
      ended: context.ended,
    })),
    'keep next invite': assign({ nextInvite: (_, params: { invite: SessionInvite }) => params.invite }),
    'forget next invite': assign({ nextInvite: null }),
    'note source': assign({ source: (_, params: { source: SourceInfo }) => params.source }),
    'note reason': assign({ reason: (_, params: { reason: string }) => params.reason }),
    'note failure': assign({
      failure: (_, params: { failure: Failure }) => params.failure,
      reason: (_, params) => params.failure.code,
    }),
    'note on stage': assign({
      onStage: (_, params: { participantId: string; stageArn: string }) => params,
      publishTries: 0,
      reason: '',
    }),
    'note off stage': assign({ onStage: null }),
    'note media': assign({ hasPublished: true, publishTries: 0, joinTries: 0, reason: '' }),
    'count publish': assign({ publishTries: ({ context }) => context.publishTries + 1 }),
    'count join': assign({ joinTries: ({ context }) => Math.min(context.joinTries + 1, BACKOFF_MS.length) }),
    'note gave up': assign(({ context, event }) => {
      const reason = event.type === 'stage.lost' ? event.reason : context.reason;
      return { reason, failure: gaveUp(context, reason) };
    }),
    'end session': assign({
      onStage: null,
      ended: ({ context }) => ({
        epoch: context.invite?.epoch ?? 0,
        reason: context.reason,
        failure: context.failure,
      }),
    }),
    'end unseen session': assign({
      ended: (_, params: { epoch: number; reason: string }) => ({ ...params, failure: null }),
    }),
    'ask to publish': sendTo('stage', { type: 'publish' }),
    'ask to publish again': sendTo('stage', { type: 'republish' }),
    'ask to leave': sendTo('stage', { type: 'leave' }),
  },
  guards: {
    'is newer': ({ context }, params: { epoch: number | undefined }) => (params.epoch ?? -1) > newestEpoch(context),
    'covers session': ({ context }, params: { epoch: number | undefined }) =>
      params.epoch === undefined || params.epoch >= (context.invite?.epoch ?? 0),
    'covers next invite': ({ context }, params: { epoch: number | undefined }) =>
      params.epoch === undefined || params.epoch >= (context.nextInvite?.epoch ?? 0),
    'has source': ({ context }) => context.source !== null,
    'has failure': ({ context }) => context.failure !== null,
    'has next invite': ({ context }) => context.nextInvite !== null,
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
        'session.start': { guard: startIsNewer, target: 'session', actions: beginStarted },
        'session.stop': {
          guard: stopIsNewer,
          actions: {
            type: 'end unseen session',
            params: ({ event }) => ({ epoch: event.epoch ?? 0, reason: event.reason }),
          },
        },
      },
    },

    session: {
      invoke: {
        id: 'source',
        src: 'source',
        input: ({ context }) => ({ asset: context.invite?.asset ?? null }),
        onError: { target: 'over', actions: noteCrash },
      },
      initial: 'connection',
      on: { 'source.ready': { actions: noteSource } },
      states: {
        connection: {
          invoke: {
            id: 'stage',
            src: 'stage',
            input: ({ context }) => ({ invite: context.invite }),
            onError: { target: '#session.over', actions: noteCrash },
          },
          exit: 'note off stage',
          initial: 'joining',
          on: {
            'session.stop': { guard: stopCoversSession, target: '.leaving', actions: noteReason },
            'session.start': { guard: startIsNewer, target: '.leaving', actions: [keepStarted, noteSuperseded] },
            'source.ended': { target: '.leaving', actions: noteEnded },
            'source.failed': { target: '.leaving', actions: noteFailure },
            'stage.failed': { target: '.leaving', actions: noteFailure },
            'stage.removed': { target: '#session.over', actions: noteReason },
            'stage.lost': [
              { guard: 'may join again', target: 'reconnecting', actions: noteReason },
              { target: '#session.over', actions: 'note gave up' },
            ],
          },
          states: {
            joining: {
              after: { joinTimeout: { actions: raise({ type: 'stage.lost', reason: 'JOIN_TIMEOUT' }) } },
              on: {
                'stage.joined': [
                  { guard: 'has source', target: 'publishing', actions: [noteOnStage, 'ask to publish'] },
                  { target: 'joined', actions: noteOnStage },
                ],
              },
            },

            joined: {
              after: { sourceTimeout: { actions: raise({ type: 'source.failed', failure: SOURCE_TIMEOUT }) } },
              on: { 'source.ready': { target: 'publishing', actions: [noteSource, 'ask to publish'] } },
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
                    actions: [noteReason, 'count publish', 'ask to publish again'],
                  },
                  { actions: raise(({ event }) => ({ type: 'stage.lost', reason: event.reason })) },
                ],
              },
            },

            published: {
              on: {
                'media.stopped': {
                  target: 'publishing',
                  actions: [noteReason, 'count publish', 'ask to publish again'],
                },
              },
            },

            leaving: {
              entry: 'ask to leave',
              after: { leaveTimeout: '#session.over' },
              on: {
                'session.start': { guard: startIsNewer, actions: keepStarted },
                'session.stop': { guard: stopCoversNext, actions: 'forget next invite' },
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
            'session.stop': { guard: stopCoversSession, target: '#session.over', actions: noteReason },
            'session.start': { guard: startIsNewer, target: '#session.over', actions: [keepStarted, noteSuperseded] },
            'source.ended': { target: '#session.over', actions: noteEnded },
            'source.failed': { target: '#session.over', actions: noteFailure },
          },
        },
      },
    },

    over: {
      entry: 'end session',
      always: [
        {
          guard: 'has next invite',
          target: 'session',
          actions: { type: 'begin session', params: ({ context }) => ({ invite: context.nextInvite }) },
        },
        { guard: 'has failure', target: 'failed' },
        { target: 'idle' },
      ],
    },

    failed: {
      on: {
        'session.start': { guard: startIsNewer, target: 'session', actions: beginStarted },
        'session.stop': { guard: stopCoversSession, target: 'idle' },
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

function newestEpoch({ invite, nextInvite, ended }: SessionContext): number {
  return Math.max(invite?.epoch ?? -1, nextInvite?.epoch ?? -1, ended?.epoch ?? -1);
}

function gaveUp({ onStage }: SessionContext, reason: string): Failure {
  return onStage === null
    ? failure(
        'JOIN_FAILED',
        `The stage could not be joined (${reason}). Does it exist, and can this machine reach IVS?`,
      )
    : failure('PUBLISH_FAILED', `No media arrived at the stage (${reason}). Are UDP and WHIP to IVS open?`);
}

function notProvided(actor: string): never {
  throw new Error(`The session machine has no "${actor}" actor: use sessionMachine.provide({ actors: { ${actor} } }).`);
}
