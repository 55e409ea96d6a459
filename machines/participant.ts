import type { ActorRefFrom, SnapshotFrom } from 'xstate';
import { assertEvent, assign, fromPromise, setup, stateIn } from 'xstate';
import type { Failure, FailureCode } from './failures.ts';
import { FailureError, failure } from './failures.ts';
import type { ParticipantContext, ParticipantEvent, ParticipantInvite, Preparation } from './participant-events.ts';
import type { SessionState } from './protocol.ts';
import { REMOVALS } from './protocol.ts';

export { FailureError } from './failures.ts';
export type * from './participant-events.ts';

/** Every wait of a participant, in milliseconds; `participantMachine.provide({ delays })` sets others. */
export const PARTICIPANT_DELAYS = {
  /** For token and asset, fetched in parallel. */
  prepareTimeout: 20_000,
  /** From the invite at the page until it is on the stage; longer than the page's own attempts together (97.75 s). */
  joinTimeout: 100_000,
  /** From on stage until media is seen leaving; longer than the page's own attempts together. */
  publishTimeout: 45_000,
  /** Without a page on the stage, while the invite stands: a crashed page, a lost stage. */
  recoverTimeout: 120_000,
  /** From asking to leave until evidence that the stage was left, backstops included. */
  leaveTimeout: 15_000,
  /** For the control plane to take KICKED or ERRORED before the place is free again. */
  reportTimeout: 5_000,
  /** From `drain` until the participant is stopped, whatever else has not ended. */
  drainTimeout: 25_000,
} as const;

const initialContext: ParticipantContext = {
  epoch: 0,
  invite: null,
  preparation: null,
  participantId: null,
  reason: null,
  failure: null,
  tellsMedia: false,
};

/** IVS keeps a participant on a stage for at most 24 hours. */
const LONGEST_SESSION_MS = 24 * 60 * 60 * 1_000;

type On = { context: ParticipantContext; event: ParticipantEvent };

/** A guard: the page speaks of the present invite, and stands in one of `states`. */
const pageIs =
  (...states: SessionState[]) =>
  ({ context, event }: On) => {
    assertEvent(event, 'page.reported');
    return event.report.epoch === context.epoch && states.includes(event.report.state);
  };

const noteFailure = (code: FailureCode, message: string) =>
  ({ type: 'note failure', params: { failure: failure(code, message) } }) as const;

const notPrepared = noteFailure('PREPARE_FAILED', 'Token and asset were not ready in time. Is AWS in reach?');
const notJoined = noteFailure('JOIN_FAILED', 'The page did not join the stage in time.');
const notPublished = noteFailure('PUBLISH_FAILED', 'The page joined the stage, but no media left it in time.');
const notBack = noteFailure('PAGE_LOST', 'The page did not come back to the stage in time.');
const notOrderly = noteFailure('INTERNAL', 'The stage could not be left in an orderly way; the page was killed.');
const noEvidence = noteFailure('INTERNAL', 'There was no evidence in time that the stage was left.');

const whenPageIsGone = {
  'page.lost': { target: 'recovering', actions: 'note reason' },
  'page.loading': { target: 'recovering', actions: 'note page loading' },
} as const;

/**
 * The server's machine: the life of one virtual participant. `prepare` and `enforceLeave` are given by `provide`. What
 * it asks of the page and tells the control plane is not sent by it but read off it, by `updateOf` and `statusOf` of
 * `participant-link.ts`, so that both can be told again after any loss.
 */
export const participantMachine = setup({
  types: {
    context: {} as ParticipantContext,
    events: {} as ParticipantEvent,
    input: {} as { epoch: number } | undefined,
    children: {} as { prepare: 'prepare'; enforceLeave: 'enforceLeave' },
  },
  actors: {
    /** Fetches token and asset in parallel and aborts both by its signal. A {@link FailureError} it rejects with is told. */
    prepare: fromPromise<Preparation, { invite: ParticipantInvite | null }>(() => notProvided('prepare')),
    /**
     * Sees to it that the participant leaves the stage: gives the page its time, then calls `DisconnectParticipant`,
     * then reloads, then kills the page. Resolves with evidence that the stage was left.
     */
    enforceLeave: fromPromise<void, { participantId: string | null; stageArn: string | null }>(() =>
      notProvided('enforceLeave'),
    ),
  },
  actions: {
    'begin invite': assign(({ event }) => {
      assertEvent(event, 'invite.received');
      return { ...initialContext, epoch: event.invite.epoch, invite: event.invite };
    }),
    'note preparation': assign((_, params: { preparation: Preparation }) => ({
      preparation: params.preparation,
      participantId: params.preparation.participantId,
    })),
    'note page': assign(({ context, event }) => {
      assertEvent(event, 'page.reported');
      const { participantId, reason, tellsMedia } = event.report;
      return {
        participantId: participantId ?? context.participantId,
        reason,
        tellsMedia: context.tellsMedia || tellsMedia,
      };
    }),
    'note end': assign(({ event }) => {
      assertEvent(event, 'page.reported');
      return { reason: event.report.reason, failure: event.report.failure };
    }),
    'note stray': assign(({ event }) => {
      assertEvent(event, 'page.reported');
      return { reason: 'NOT_INVITED', participantId: event.report.participantId };
    }),
    'note reason': assign(({ event }) => {
      assertEvent(event, ['kick.received', 'drain', 'page.lost']);
      return { reason: event.reason };
    }),
    'note epoch': assign(({ context, event }) => {
      assertEvent(event, 'kick.received');
      return { epoch: Math.max(context.epoch, event.epoch ?? 0) };
    }),
    'note page loading': assign({ reason: 'PAGE_LOADING' }),
    'note superseded': assign({ reason: 'SUPERSEDED' }),
    'note longest duration': assign({ reason: 'MAX_DURATION' }),
    'note failure': assign((_, params: { failure: Failure }) => ({
      failure: params.failure,
      reason: params.failure.code,
    })),
    'end invite': assign({ invite: null, preparation: null, participantId: null, failure: null, tellsMedia: false }),
  },
  guards: {
    'invite is newer': ({ context, event }) => {
      assertEvent(event, 'invite.received');
      return event.invite.epoch > context.epoch;
    },
    'kick is newer': ({ context, event }) => {
      assertEvent(event, 'kick.received');
      return event.epoch !== undefined && event.epoch > context.epoch;
    },
    'kick covers invite': ({ context, event }) => {
      assertEvent(event, 'kick.received');
      return event.epoch === undefined || event.epoch >= context.epoch;
    },
    'page is over': pageIs('idle', 'failed'),
    'page is on stage': pageIs('joined', 'publishing'),
    'page is publishing media': pageIs('published'),
    'page is off stage': pageIs('joining', 'reconnecting'),
    'page has begun': pageIs('joining', 'joined', 'publishing', 'published', 'reconnecting', 'leaving'),
    'page failed': ({ context, event }) => {
      assertEvent(event, 'page.reported');
      return event.report.epoch === context.epoch && event.report.failure !== null;
    },
    'page was removed': ({ context, event }) => {
      assertEvent(event, 'page.reported');
      const { epoch, state, reason } = event.report;
      return epoch === context.epoch && state === 'idle' && isRemoval(reason);
    },
    'page is astray': ({ event }) => {
      assertEvent(event, 'page.reported');
      return event.report.state !== 'idle' && event.report.state !== 'failed';
    },
    'page tells media': ({ context }) => context.tellsMedia,
    'has failure': ({ context }) => context.failure !== null,
    'status is of invite': ({ context, event }) => {
      assertEvent(event, 'status.reported');
      return event.epoch === context.epoch;
    },
  },
  delays: {
    ...PARTICIPANT_DELAYS,
    maxDuration: ({ context }) =>
      Math.min((context.invite?.maxDurationSeconds ?? Number.POSITIVE_INFINITY) * 1_000, LONGEST_SESSION_MS),
  },
}).createMachine({
  id: 'participant',
  context: ({ input }) => ({ ...initialContext, epoch: input?.epoch ?? 0 }),
  initial: 'serving',
  states: {
    serving: {
      type: 'parallel',
      states: {
        control: {
          initial: 'offline',
          states: {
            offline: { on: { 'control.online': 'online' } },
            online: { on: { 'control.offline': 'offline' } },
          },
        },

        page: {
          initial: 'absent',
          on: { 'page.loading': '.loading', 'page.ready': '.ready', 'page.lost': '.absent' },
          states: { absent: {}, loading: {}, ready: {} },
        },

        process: {
          initial: 'running',
          states: {
            running: { on: { drain: 'draining' } },
            draining: {
              after: { drainTimeout: '#participant.stopped' },
              always: { guard: stateIn({ serving: { session: 'available' } }), target: '#participant.stopped' },
            },
          },
        },

        session: {
          initial: 'available',
          // An invite that was kicked before it was seen is over, and the control plane wants to hear so.
          on: { 'kick.received': { guard: 'kick is newer', actions: 'note epoch' } },
          states: {
            available: {
              id: 'available',
              entry: 'end invite',
              on: {
                'invite.received': { guard: 'invite is newer', target: 'active', actions: 'begin invite' },
                'page.reported': { guard: 'page is astray', target: 'leaving', actions: 'note stray' },
                drain: { actions: 'note reason' },
              },
            },

            active: {
              initial: 'invited',
              after: { maxDuration: { target: 'leaving', actions: 'note longest duration' } },
              on: {
                'invite.received': { guard: 'invite is newer', target: 'leaving', actions: 'note superseded' },
                'kick.received': {
                  guard: 'kick covers invite',
                  target: 'leaving',
                  actions: ['note epoch', 'note reason'],
                },
                drain: { target: 'leaving', actions: 'note reason' },
                'page.reported': [
                  { guard: 'page failed', target: 'errored', actions: 'note end' },
                  { guard: 'page was removed', target: 'kicked', actions: 'note end' },
                  { guard: 'page is over', target: 'available', actions: 'note end' },
                  { guard: 'page has begun', actions: 'note page' },
                ],
              },
              states: {
                invited: {
                  initial: 'preparing',
                  states: {
                    // The page has not heard of this invite yet: what it reports is of another, and a kick ends it here.
                    preparing: {
                      invoke: {
                        id: 'prepare',
                        src: 'prepare',
                        input: ({ context }) => ({ invite: context.invite }),
                        onDone: {
                          target: 'joining',
                          actions: { type: 'note preparation', params: ({ event }) => ({ preparation: event.output }) },
                        },
                        onError: {
                          target: '#errored',
                          actions: {
                            type: 'note failure',
                            params: ({ event }) => ({ failure: failureOf(event.error) }),
                          },
                        },
                      },
                      after: {
                        prepareTimeout: {
                          target: '#errored',
                          actions: notPrepared,
                        },
                      },
                      on: {
                        'invite.received': {
                          guard: 'invite is newer',
                          target: '#available',
                          actions: 'note superseded',
                        },
                        'kick.received': {
                          guard: 'kick covers invite',
                          target: '#available',
                          actions: ['note epoch', 'note reason'],
                        },
                        drain: { target: '#available', actions: 'note reason' },
                        'page.reported': {},
                      },
                    },
                    joining: {
                      after: {
                        joinTimeout: {
                          target: '#leaving',
                          actions: notJoined,
                        },
                      },
                      on: {
                        'page.reported': [
                          { guard: 'page is publishing media', target: '#published', actions: 'note page' },
                          { guard: 'page is on stage', target: '#connected', actions: 'note page' },
                        ],
                      },
                    },
                  },
                },

                connected: {
                  id: 'connected',
                  after: {
                    // A program that speaks only of joining and leaving would never be seen to publish.
                    publishTimeout: {
                      guard: 'page tells media',
                      target: '#leaving',
                      actions: notPublished,
                    },
                  },
                  on: {
                    ...whenPageIsGone,
                    'page.reported': [
                      { guard: 'page is publishing media', target: 'published', actions: 'note page' },
                      { guard: 'page is off stage', target: 'recovering', actions: 'note page' },
                    ],
                  },
                },

                published: {
                  id: 'published',
                  on: {
                    ...whenPageIsGone,
                    'page.reported': [
                      { guard: 'page is on stage', target: 'connected', actions: 'note page' },
                      { guard: 'page is off stage', target: 'recovering', actions: 'note page' },
                    ],
                  },
                },

                recovering: {
                  after: {
                    recoverTimeout: {
                      target: '#leaving',
                      actions: notBack,
                    },
                  },
                  on: {
                    'page.reported': [
                      { guard: 'page is publishing media', target: 'published', actions: 'note page' },
                      { guard: 'page is on stage', target: 'connected', actions: 'note page' },
                    ],
                  },
                },
              },
            },

            leaving: {
              id: 'leaving',
              invoke: {
                id: 'enforceLeave',
                src: 'enforceLeave',
                input: ({ context }) => ({
                  participantId: context.participantId,
                  stageArn: context.invite?.stageArn ?? null,
                }),
                onDone: 'left',
                onError: {
                  target: 'errored',
                  actions: notOrderly,
                },
              },
              after: {
                leaveTimeout: {
                  target: 'errored',
                  actions: noEvidence,
                },
              },
              on: {
                'page.reported': { guard: 'page is over', target: 'left' },
              },
            },

            left: { always: [{ guard: 'has failure', target: 'errored' }, { target: 'available' }] },

            kicked: {
              after: { reportTimeout: 'available' },
              on: { 'status.reported': { guard: 'status is of invite', target: 'available' } },
            },

            errored: {
              id: 'errored',
              after: { reportTimeout: 'available' },
              on: { 'status.reported': { guard: 'status is of invite', target: 'available' } },
            },
          },
        },
      },
    },
    stopped: { type: 'final' },
  },
});

export type ParticipantActor = ActorRefFrom<typeof participantMachine>;
export type ParticipantSnapshot = SnapshotFrom<typeof participantMachine>;

function failureOf(error: unknown): Failure {
  if (error instanceof FailureError) return error.failure;
  return failure('PREPARE_FAILED', 'Token and asset could not be made ready.');
}

function isRemoval(reason: string | null): boolean {
  return REMOVALS.some((removal) => removal === reason);
}

function notProvided(actor: string): never {
  throw new Error(
    `The participant machine has no "${actor}": use participantMachine.provide({ actors: { ${actor} } }).`,
  );
}
