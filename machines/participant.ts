import type { ActorRefFrom, SnapshotFrom } from 'xstate';
import { assign, fromPromise, setup, stateIn } from 'xstate';
import type { Failure, FailureCode } from './failures.ts';
import { failure } from './failures.ts';
import type { Asset, SessionState } from './protocol.ts';
import { REMOVALS, SESSION_STATES } from './protocol.ts';

/** One invite as the control plane gives it. */
export interface ParticipantInvite {
  epoch: number;
  stageArn: string;
  assetName: string | null;
  /** Default of the control plane: `true`. */
  loop: boolean;
  userId: string | null;
  attributes: Readonly<Record<string, string>>;
  /** The session is ended after so many seconds on behalf of who invited; `null`: not. */
  maxDurationSeconds: number | null;
}

/** What an invite needs before the page can act on it; made ready by the `prepare` actor. */
export interface Preparation {
  participantToken: string;
  participantId: string | null;
  asset: Asset | null;
}

/** Where the page says it stands: the sum of its messages, `vp.stats` included. */
export interface PageReport {
  epoch: number;
  state: SessionState;
  participantId: string | null;
  reason: string | null;
  failure: Failure | null;
  /** Whether the page told it by `vp.stats`, `vp.published` or `vp.unpublished`: such a page will tell of its media. */
  tellsMedia: boolean;
}

export interface ParticipantContext {
  /** The newest epoch that was seen; an invite must be newer. */
  epoch: number;
  invite: ParticipantInvite | null;
  preparation: Preparation | null;
  /** Who the page is on the stage, from its own report. */
  participantId: string | null;
  /** Why the session is where it is; told with the status. */
  reason: string | null;
  failure: Failure | null;
  tellsMedia: boolean;
  draining: boolean;
}

export type ParticipantEvent =
  | { type: 'control.online' }
  | { type: 'control.offline' }
  | { type: 'page.loading' }
  | { type: 'page.ready' }
  | { type: 'page.lost'; reason: string }
  | { type: 'page.reported'; report: PageReport }
  | { type: 'invite.received'; invite: ParticipantInvite }
  /** Without `epoch` it means the present invite. */
  | { type: 'kick.received'; epoch?: number; reason: string }
  /** The control plane has taken the status that {@link statusOf} gave. */
  | { type: 'status.reported'; epoch: number; status: 'KICKED' | 'ERRORED' }
  | { type: 'drain'; reason: string };

/** Every wait of a participant, in milliseconds; `participantMachine.provide({ delays })` sets others. */
export const PARTICIPANT_DELAYS = {
  /** For token and asset, fetched in parallel. */
  prepareTimeout: 20_000,
  /** From the invite at the page until it is on the stage; longer than the page's own attempts together. */
  joinTimeout: 90_000,
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
  draining: false,
};

/** IVS keeps a participant on a stage for at most 24 hours. */
const LONGEST_SESSION_MS = 24 * 60 * 60 * 1_000;

type Ev<T extends ParticipantEvent['type']> = { event: Extract<ParticipantEvent, { type: T }> };

const noteReason = {
  type: 'note reason',
  params: ({ event }: { event: { reason: string } }) => ({ reason: event.reason }),
} as const;
const notePage = { type: 'note page', params: ({ event }: Ev<'page.reported'>) => event } as const;
const noteEnd = { type: 'note end', params: ({ event }: Ev<'page.reported'>) => event } as const;
const isTold = { type: 'is told', params: ({ event }: Ev<'status.reported'>) => ({ epoch: event.epoch }) } as const;

/** A guard: the page speaks of the present invite, and stands in one of `states`. */
const pageIs = (...states: SessionState[]) =>
  ({ type: 'page is', params: ({ event }: Ev<'page.reported'>) => ({ report: event.report, states }) }) as const;
const pageIsOver = pageIs('idle', 'failed');
const pageIsOnStage = pageIs('joined', 'publishing');
const pageIsOffStage = pageIs('joining', 'reconnecting');

const noteFailure = (code: FailureCode, message: string) =>
  ({ type: 'note failure', params: { failure: failure(code, message) } }) as const;

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
    'begin invite': assign(({ context }, params: { invite: ParticipantInvite }) => ({
      ...initialContext,
      draining: context.draining,
      epoch: params.invite.epoch,
      invite: params.invite,
    })),
    'note preparation': assign((_, params: { preparation: Preparation }) => ({
      preparation: params.preparation,
      participantId: params.preparation.participantId,
    })),
    'note page': assign(({ context }, { report }: { report: PageReport }) => ({
      participantId: report.participantId ?? context.participantId,
      reason: report.reason,
      tellsMedia: context.tellsMedia || report.tellsMedia,
    })),
    'note end': assign((_, { report }: { report: PageReport }) => ({ reason: report.reason, failure: report.failure })),
    'note reason': assign({ reason: (_, params: { reason: string }) => params.reason }),
    'note failure': assign((_, params: { failure: Failure }) => ({
      failure: params.failure,
      reason: params.failure.code,
    })),
    'begin draining': assign({ draining: true }),
    'end invite': assign({ invite: null, preparation: null, participantId: null, failure: null, tellsMedia: false }),
  },
  guards: {
    'is newer': ({ context }, params: { epoch: number }) => !context.draining && params.epoch > context.epoch,
    'is present': ({ context }, params: { epoch: number | undefined }) =>
      params.epoch === undefined || params.epoch === context.epoch,
    'page is': ({ context }, { report, states }: { report: PageReport; states: readonly SessionState[] }) =>
      report.epoch === context.epoch && states.includes(report.state),
    'page failed': ({ context }, { report }: { report: PageReport }) =>
      report.epoch === context.epoch && report.failure !== null,
    'page was removed': ({ context }, { report }: { report: PageReport }) =>
      report.epoch === context.epoch && report.state === 'idle' && isRemoval(report.reason),
    'tells media': ({ context }) => context.tellsMedia,
    'has failure': ({ context }) => context.failure !== null,
    'is told': ({ context }, params: { epoch: number }) => params.epoch === context.epoch,
  },
  delays: {
    ...PARTICIPANT_DELAYS,
    maxDuration: ({ context }) =>
      context.invite?.maxDurationSeconds ? context.invite.maxDurationSeconds * 1_000 : LONGEST_SESSION_MS,
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
            running: { on: { drain: { target: 'draining', actions: 'begin draining' } } },
            draining: {
              after: { drainTimeout: '#participant.stopped' },
              always: { guard: stateIn({ serving: { session: 'available' } }), target: '#participant.stopped' },
            },
          },
        },

        session: {
          initial: 'available',
          states: {
            available: {
              id: 'available',
              entry: 'end invite',
              on: {
                'invite.received': {
                  guard: {
                    type: 'is newer',
                    params: ({ event }) => ({ epoch: event.invite.epoch }),
                  },
                  target: 'active',
                  actions: { type: 'begin invite', params: ({ event }) => ({ invite: event.invite }) },
                },
              },
            },

            active: {
              initial: 'invited',
              after: {
                maxDuration: {
                  target: 'leaving',
                  actions: { type: 'note reason', params: { reason: 'MAX_DURATION' } },
                },
              },
              on: {
                'kick.received': {
                  guard: { type: 'is present', params: ({ event }) => ({ epoch: event.epoch }) },
                  target: 'leaving',
                  actions: noteReason,
                },
                drain: { target: 'leaving', actions: noteReason },
                'page.reported': [
                  { guard: { type: 'page failed', params: ({ event }) => event }, target: 'errored', actions: noteEnd },
                  {
                    guard: { type: 'page was removed', params: ({ event }) => event },
                    target: 'kicked',
                    actions: noteEnd,
                  },
                  { guard: pageIsOver, target: 'available', actions: noteEnd },
                  { guard: pageIs(...SESSION_STATES), actions: notePage },
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
                          actions: noteFailure(
                            'PREPARE_FAILED',
                            'Token and asset were not ready in time. Is AWS in reach?',
                          ),
                        },
                      },
                      on: {
                        'kick.received': {
                          guard: { type: 'is present', params: ({ event }) => ({ epoch: event.epoch }) },
                          target: '#available',
                          actions: noteReason,
                        },
                        drain: { target: '#available', actions: noteReason },
                        'page.reported': {},
                      },
                    },
                    joining: {
                      after: {
                        joinTimeout: {
                          target: '#leaving',
                          actions: noteFailure('JOIN_FAILED', 'The page did not join the stage in time.'),
                        },
                      },
                      on: {
                        'page.reported': [
                          { guard: pageIs('published'), target: '#published', actions: notePage },
                          { guard: pageIsOnStage, target: '#connected', actions: notePage },
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
                      guard: 'tells media',
                      target: '#leaving',
                      actions: noteFailure(
                        'PUBLISH_FAILED',
                        'The page joined the stage, but no media left it in time.',
                      ),
                    },
                  },
                  on: {
                    'page.lost': { target: 'recovering', actions: noteReason },
                    'page.reported': [
                      { guard: pageIs('published'), target: 'published', actions: notePage },
                      { guard: pageIsOffStage, target: 'recovering', actions: notePage },
                    ],
                  },
                },

                published: {
                  id: 'published',
                  on: {
                    'page.lost': { target: 'recovering', actions: noteReason },
                    'page.reported': [
                      { guard: pageIsOnStage, target: 'connected', actions: notePage },
                      { guard: pageIsOffStage, target: 'recovering', actions: notePage },
                    ],
                  },
                },

                recovering: {
                  after: {
                    recoverTimeout: {
                      target: '#leaving',
                      actions: noteFailure('PAGE_LOST', 'The page did not come back to the stage in time.'),
                    },
                  },
                  on: {
                    'page.reported': [
                      { guard: pageIs('published'), target: 'published', actions: notePage },
                      { guard: pageIsOnStage, target: 'connected', actions: notePage },
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
                  actions: noteFailure(
                    'INTERNAL',
                    'The stage could not be left in an orderly way; the page was killed.',
                  ),
                },
              },
              after: {
                leaveTimeout: {
                  target: 'errored',
                  actions: noteFailure('INTERNAL', 'There was no evidence in time that the stage was left.'),
                },
              },
              on: {
                'page.reported': { guard: pageIsOver, target: 'left' },
              },
            },

            left: { always: [{ guard: 'has failure', target: 'errored' }, { target: 'available' }] },

            kicked: {
              after: { reportTimeout: 'available' },
              on: { 'status.reported': { guard: isTold, target: 'available' } },
            },

            errored: {
              id: 'errored',
              after: { reportTimeout: 'available' },
              on: { 'status.reported': { guard: isTold, target: 'available' } },
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

/** A rejection of the `prepare` actor that carries what to tell about it. */
export class FailureError extends Error {
  override readonly name = 'FailureError';
  readonly failure: Failure;

  constructor(reason: Failure, options?: ErrorOptions) {
    super(reason.message, options);
    this.failure = reason;
  }
}

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
