import { createActor, fromPromise, initialTransition, SimulatedClock, waitFor } from 'xstate';
import { failure } from './failures.ts';
import type { PageReport, ParticipantEvent, ParticipantInvite, Preparation } from './participant.ts';
import { FailureError, PARTICIPANT_DELAYS, participantMachine } from './participant.ts';
import type { SessionState } from './protocol.ts';
import { SESSION_STATES } from './protocol.ts';
import { walk } from './testing/walk.ts';

const inviteOf = (epoch: number): ParticipantInvite => ({
  epoch,
  stageArn: 'arn',
  assetName: 'a.mp4',
  loop: true,
  userId: null,
  attributes: {},
  maxDurationSeconds: null,
});
const preparation: Preparation = {
  participantToken: 'T',
  participantId: 'p1',
  asset: { url: 'http://127.0.0.1/a.mp4', name: 'a.mp4', loop: true },
};

const invite = (epoch: number): ParticipantEvent => ({ type: 'invite.received', invite: inviteOf(epoch) });
const kick = (epoch: number): ParticipantEvent => ({ type: 'kick.received', epoch, reason: 'KICKED' });
const prepared = { type: 'xstate.done.actor.prepare', output: preparation } as unknown as ParticipantEvent;
const unprepared = (error: unknown) => ({ type: 'xstate.error.actor.prepare', error }) as unknown as ParticipantEvent;
const evidence = { type: 'xstate.done.actor.enforceLeave' } as unknown as ParticipantEvent;
const says = (state: SessionState, more: Partial<PageReport> = {}): ParticipantEvent => ({
  type: 'page.reported',
  report: { epoch: 1, state, participantId: null, reason: null, failure: null, tellsMedia: true, ...more },
});
const drain: ParticipantEvent = { type: 'drain', reason: 'DRAIN' };
const pageLost: ParticipantEvent = { type: 'page.lost', reason: 'PAGE_CRASHED' };
const expired = failure('TOKEN_EXPIRED', 'The token has expired.');

/** The events that lead a fresh participant into each state of its session. */
const INTO = {
  available: [],
  preparing: [invite(1)],
  joining: [invite(1), prepared],
  connected: [invite(1), prepared, says('joined')],
  published: [invite(1), prepared, says('published')],
  recovering: [invite(1), prepared, says('published'), pageLost],
  leaving: [invite(1), prepared, says('published'), kick(1)],
  kicked: [invite(1), prepared, says('idle', { reason: 'STAGE_DELETED' })],
  errored: [invite(1), prepared, says('failed', { reason: expired.code, failure: expired })],
} satisfies Record<string, ParticipantEvent[]>;
type State = keyof typeof INTO;
const STATES = Object.keys(INTO) as State[];
/** The states of an invite of which the page has heard. */
const ACTIVE = ['joining', 'connected', 'published', 'recovering'] as const;

const at = (state: State) => walk(participantMachine, INTO[state]);
const having = (state: State, ...events: ParticipantEvent[]) => walk(participantMachine, events, at(state));
const sessionOf = ({ snapshot }: ReturnType<typeof at>) => nameOf(snapshot.value);
const stateAfter = (state: State, ...events: ParticipantEvent[]) => sessionOf(having(state, ...events));

describe('participant machine', () => {
  it.each(STATES)('is %s after the events that lead there', (state) => {
    expect(sessionOf(at(state))).toBe(state);
  });

  it('begins with the epoch that the control plane knows', () => {
    const [snapshot] = initialTransition(participantMachine, { epoch: 5 });
    expect(walk(participantMachine, [invite(5)], { snapshot, effects: [] }).effects).toEqual([]);
    expect(walk(participantMachine, [invite(6)], { snapshot, effects: [] }).effects).toEqual(['start prepare']);
  });

  describe('control and page', () => {
    it('come and go by their own events', () => {
      const regions = (...events: ParticipantEvent[]) => having('available', ...events).snapshot.value;
      const at = (control: string, page: string) => ({
        serving: { control, page, process: 'running', session: 'available' },
      });
      expect(regions()).toEqual(at('offline', 'absent'));
      expect(regions({ type: 'control.online' }, { type: 'page.loading' })).toEqual(at('online', 'loading'));
      expect(regions({ type: 'page.ready' }, { type: 'control.offline' })).toEqual(at('offline', 'ready'));
      expect(regions({ type: 'page.ready' }, pageLost)).toEqual(at('offline', 'absent'));
    });
  });

  describe('an invite', () => {
    it('is prepared at once', () => {
      const { snapshot, effects } = at('preparing');
      expect(effects).toEqual(['start prepare']);
      expect(snapshot.context).toEqual({
        epoch: 1,
        invite: inviteOf(1),
        preparation: null,
        participantId: null,
        reason: null,
        failure: null,
        tellsMedia: false,
      });
    });

    it('goes to the page with what was prepared', () => {
      const { preparation: made, participantId } = at('joining').snapshot.context;
      expect([made, participantId]).toEqual([preparation, 'p1']);
    });

    it.each(STATES.filter((state) => state !== 'available'))('that is repeated changes nothing while %s', (state) => {
      const before = at(state);
      const { snapshot, effects } = walk(participantMachine, [invite(1)], before);
      expect([snapshot.value, snapshot.context, effects]).toEqual([before.snapshot.value, before.snapshot.context, []]);
    });

    it.each([
      ['kicked', having('leaving', evidence)],
      ['kicked before it was seen', having('available', kick(1))],
      ['told as ERRORED', having('errored', { type: 'status.reported', epoch: 1, status: 'ERRORED' })],
    ])('that was %s is not begun again', (_, before) => {
      expect(sessionOf(before)).toBe('available');
      expect(sessionOf(walk(participantMachine, [invite(1)], before))).toBe('available');
      expect(sessionOf(walk(participantMachine, [invite(2)], before))).toBe('preparing');
    });

    it('that is newer than the one being prepared makes room for itself', () => {
      const { snapshot, effects } = having('preparing', invite(2));
      expect([nameOf(snapshot.value), snapshot.context.reason, effects]).toEqual([
        'available',
        'SUPERSEDED',
        ['stop prepare'],
      ]);
    });

    it.each(ACTIVE)('that is newer ends the present one first while %s', (state) => {
      const { snapshot, effects } = having(state, invite(2));
      expect([nameOf(snapshot.value), snapshot.context.reason, effects]).toEqual([
        'leaving',
        'SUPERSEDED',
        ['start enforceLeave'],
      ]);
    });

    it('whose preparation fails with a failure of its own is told by it', () => {
      const { snapshot } = having('preparing', unprepared(new FailureError(expired)));
      expect([nameOf(snapshot.value), snapshot.context.failure, snapshot.context.reason]).toEqual([
        'errored',
        expired,
        'TOKEN_EXPIRED',
      ]);
    });

    it('whose preparation fails otherwise is PREPARE_FAILED, and the text of the error stays inside', () => {
      const { snapshot } = having('preparing', unprepared(new Error('secret')));
      expect(snapshot.context.failure).toEqual(failure('PREPARE_FAILED', 'Token and asset could not be made ready.'));
    });
  });

  describe('a kick', () => {
    it('while preparing aborts that, and the participant is available at once', () => {
      const { snapshot, effects } = having('preparing', kick(1));
      expect([nameOf(snapshot.value), effects]).toEqual(['available', ['stop prepare']]);
      expect(snapshot.context.reason).toBe('KICKED');
    });

    it.each(ACTIVE)('while %s asks to leave', (state) => {
      expect(having(state, kick(1)).effects).toEqual(['start enforceLeave']);
      expect(stateAfter(state, { type: 'kick.received', reason: 'KICKED' })).toBe('leaving');
    });

    it.each(ACTIVE)('of an older epoch changes nothing while %s', (state) => {
      expect(stateAfter(state, kick(0))).toBe(state);
    });

    it.each(ACTIVE)('of a newer epoch ends the present one too while %s', (state) => {
      const { snapshot } = having(state, kick(2));
      expect([nameOf(snapshot.value), snapshot.context.epoch]).toEqual(['leaving', 2]);
    });

    it.each(['available', 'leaving', 'kicked', 'errored'] as const)(
      'of an epoch not seen yet is noted while %s',
      (state) => {
        const { snapshot } = having(state, kick(2));
        expect([nameOf(snapshot.value), snapshot.context.epoch]).toEqual([state, 2]);
      },
    );

    it('is over by the evidence of the backstop or of the page, whichever comes first', () => {
      expect(stateAfter('leaving', evidence)).toBe('available');
      expect(stateAfter('leaving', says('idle'))).toBe('available');
      expect(stateAfter('leaving', says('failed'))).toBe('available');
    });

    it('is not over by what the page says of another epoch, or while it is on its way', () => {
      expect(stateAfter('leaving', says('idle', { epoch: 0 }))).toBe('leaving');
      expect(stateAfter('leaving', says('leaving'))).toBe('leaving');
    });

    it('is ERRORED when the backstop fails', () => {
      const { snapshot } = having('leaving', { type: 'xstate.error.actor.enforceLeave', error: 'x' } as never);
      expect([nameOf(snapshot.value), snapshot.context.failure]).toEqual([
        'errored',
        failure('INTERNAL', 'The stage could not be left in an orderly way; the page was killed.'),
      ]);
    });
  });

  describe('what the page says', () => {
    const FOLLOWED: [State, SessionState, State][] = [
      ['joining', 'joining', 'joining'],
      ['joining', 'joined', 'connected'],
      ['joining', 'publishing', 'connected'],
      ['joining', 'published', 'published'],
      ['joining', 'reconnecting', 'joining'],
      ['connected', 'published', 'published'],
      ['connected', 'reconnecting', 'recovering'],
      ['connected', 'joining', 'recovering'],
      ['published', 'publishing', 'connected'],
      ['published', 'reconnecting', 'recovering'],
      ['published', 'leaving', 'published'],
      ['recovering', 'joining', 'recovering'],
      ['recovering', 'joined', 'connected'],
      ['recovering', 'published', 'published'],
    ];
    it.each(FOLLOWED)('is followed: %s, page %s, then %s', (from, page, to) => {
      expect(stateAfter(from, says(page))).toBe(to);
    });

    it.each(ACTIVE)('ends the invite when the page is idle while %s', (state) => {
      const { snapshot } = having(state, says('idle', { reason: 'ENDED' }));
      expect([nameOf(snapshot.value), snapshot.context.reason]).toEqual(['available', 'ENDED']);
    });

    it.each(ACTIVE)('is KICKED when IVS took it off the stage while %s', (state) => {
      for (const reason of ['PARTICIPANT_DISCONNECTED', 'STAGE_DELETED']) {
        expect(stateAfter(state, says('idle', { reason }))).toBe('kicked');
      }
    });

    it.each(ACTIVE)('is ERRORED when the page has a failure while %s', (state) => {
      const { snapshot } = having(state, says('failed', { reason: expired.code, failure: expired }));
      expect([nameOf(snapshot.value), snapshot.context.failure]).toEqual(['errored', expired]);
    });

    it.each(SESSION_STATES)('of another epoch changes nothing while an invite is active: %s', (page) => {
      for (const state of ACTIVE) {
        const before = at(state);
        const { snapshot, effects } = having(
          state,
          says(page, { epoch: 2, reason: 'STAGE_DELETED', failure: expired }),
        );
        expect([snapshot.value, snapshot.context, effects]).toEqual([
          before.snapshot.value,
          before.snapshot.context,
          [],
        ]);
      }
    });

    it.each(SESSION_STATES)('is of an earlier invite while preparing, and changes nothing: %s', (page) => {
      expect(stateAfter('preparing', says(page, { failure: expired }))).toBe('preparing');
    });

    it.each(['joining', 'joined', 'publishing', 'published', 'reconnecting', 'leaving'] as const)(
      'is put right when nobody invited it: %s',
      (page) => {
        const { snapshot, effects } = having('available', says(page, { epoch: 9, participantId: 'p9' }));
        expect([nameOf(snapshot.value), effects]).toEqual(['leaving', ['start enforceLeave']]);
        expect([snapshot.context.reason, snapshot.context.participantId]).toEqual(['NOT_INVITED', 'p9']);
      },
    );

    it('names the participant on the stage', () => {
      expect(having('joining', says('joined', { participantId: 'p2' })).snapshot.context.participantId).toBe('p2');
      expect(having('joining', says('joined')).snapshot.context.participantId).toBe('p1');
    });
  });

  describe('a page that is lost or loads anew', () => {
    it.each(['connected', 'published'] as const)('is waited for while %s', (state) => {
      expect(stateAfter(state, pageLost)).toBe('recovering');
      expect(stateAfter(state, { type: 'page.loading' })).toBe('recovering');
    });

    it.each(['joining', 'recovering', 'leaving'] as const)('changes nothing while %s', (state) => {
      expect(stateAfter(state, pageLost)).toBe(state);
      expect(stateAfter(state, { type: 'page.loading' })).toBe(state);
    });
  });

  describe('the end of an invite', () => {
    it.each(['kicked', 'errored'] as const)('%s lasts until the control plane has taken it', (state) => {
      const reported = { type: 'status.reported', status: state === 'kicked' ? 'KICKED' : 'ERRORED' } as const;
      expect(stateAfter(state, { ...reported, epoch: 0 })).toBe(state);
      expect(stateAfter(state, { ...reported, epoch: 1 })).toBe('available');
    });

    it('leaves nothing of the invite but its epoch and its reason', () => {
      const { context } = having('errored', { type: 'status.reported', epoch: 1, status: 'ERRORED' }).snapshot;
      expect(context).toEqual({
        epoch: 1,
        invite: null,
        preparation: null,
        participantId: null,
        reason: 'TOKEN_EXPIRED',
        failure: null,
        tellsMedia: false,
      });
    });
  });

  describe('drain', () => {
    it('stops at once when there is no invite, or one that is being prepared', () => {
      expect(having('available', drain).snapshot.value).toBe('stopped');
      const { snapshot, effects } = having('preparing', drain);
      expect([snapshot.value, effects]).toEqual(['stopped', ['stop prepare']]);
    });

    it.each(ACTIVE)('leaves the stage first while %s', (state) => {
      expect(stateAfter(state, drain)).toBe('leaving');
      expect(having(state, drain, evidence).snapshot.value).toBe('stopped');
    });

    it.each([
      ['leaving', evidence],
      ['kicked', { type: 'status.reported', epoch: 1, status: 'KICKED' }],
      ['errored', { type: 'status.reported', epoch: 1, status: 'ERRORED' }],
    ] as const)('while %s waits until that is over', (state, end) => {
      expect(stateAfter(state, drain)).toBe(state);
      expect(having(state, drain, end).snapshot.value).toBe('stopped');
    });
  });

  describe('time', () => {
    const TIMEOUTS = [
      ['joining', 'joinTimeout', 'leaving', 'JOIN_FAILED'],
      ['connected', 'publishTimeout', 'leaving', 'PUBLISH_FAILED'],
      ['recovering', 'recoverTimeout', 'leaving', 'PAGE_LOST'],
      ['leaving', 'leaveTimeout', 'errored', 'INTERNAL'],
    ] as const;
    it.each(TIMEOUTS)('in %s runs out after %s: then %s with %s', async (state, delay, next, code) => {
      const { actor, clock } = await running(state);
      clock.increment(PARTICIPANT_DELAYS[delay] - 1);
      expect(nameOf(actor.getSnapshot().value)).toBe(state);
      clock.increment(1);
      expect([nameOf(actor.getSnapshot().value), actor.getSnapshot().context.failure?.code]).toEqual([next, code]);
    });

    it('in preparing runs out after prepareTimeout and aborts what was under way', async () => {
      const { actor, clock, aborted } = await running('preparing');
      clock.increment(PARTICIPANT_DELAYS.prepareTimeout - 1);
      expect(aborted()).toBe(false);
      clock.increment(1);
      expect([nameOf(actor.getSnapshot().value), actor.getSnapshot().context.failure?.code, aborted()]).toEqual([
        'errored',
        'PREPARE_FAILED',
        true,
      ]);
    });

    it.each(['kicked', 'errored'] as const)(
      'in %s runs out after reportTimeout, and the place is free',
      async (state) => {
        const { actor, clock } = await running(state);
        clock.increment(PARTICIPANT_DELAYS.reportTimeout - 1);
        expect(nameOf(actor.getSnapshot().value)).toBe(state);
        clock.increment(1);
        expect(nameOf(actor.getSnapshot().value)).toBe('available');
      },
    );

    it('of a drain runs out after drainTimeout, whatever has not ended', async () => {
      const { actor, clock } = await running('published');
      clock.increment(1_000);
      actor.send(drain);
      clock.increment(PARTICIPANT_DELAYS.leaveTimeout);
      clock.increment(PARTICIPANT_DELAYS.drainTimeout - PARTICIPANT_DELAYS.leaveTimeout - 1);
      expect(actor.getSnapshot().value).toBe('stopped');
    });

    it('of an invite runs out after maxDurationSeconds', async () => {
      const { actor, clock } = await running('published', { ...inviteOf(1), maxDurationSeconds: 60 });
      clock.increment(59_999);
      expect(nameOf(actor.getSnapshot().value)).toBe('published');
      clock.increment(1);
      expect([nameOf(actor.getSnapshot().value), actor.getSnapshot().context.reason]).toEqual([
        'leaving',
        'MAX_DURATION',
      ]);
    });

    it.each([null, 30 * 86_400])('of an invite of %p seconds runs out after the 24 hours of IVS', async (seconds) => {
      const { actor, clock } = await running('published', { ...inviteOf(1), maxDurationSeconds: seconds });
      clock.increment(86_400_000 - 1);
      expect(nameOf(actor.getSnapshot().value)).toBe('published');
      clock.increment(1);
      expect(nameOf(actor.getSnapshot().value)).toBe('leaving');
    });

    it('to publish is not limited for a program that tells nothing of its media', async () => {
      const { actor, clock } = await running('joining');
      actor.send(says('joined', { tellsMedia: false }));
      clock.increment(PARTICIPANT_DELAYS.publishTimeout);
      expect(nameOf(actor.getSnapshot().value)).toBe('connected');
    });

    it('of a wait is not prolonged by a page that repeats itself', async () => {
      const { actor, clock } = await running('connected');
      clock.increment(PARTICIPANT_DELAYS.publishTimeout - 1);
      actor.send(says('publishing'));
      clock.increment(1);
      expect(nameOf(actor.getSnapshot().value)).toBe('leaving');
    });
  });

  it.each(['prepare', 'enforceLeave'])(
    'fails the invite, not the process, when %s was not provided',
    async (actorName) => {
      const actors = {
        prepare: fromPromise<Preparation, { invite: ParticipantInvite | null }>(async () => preparation),
      };
      const machine = actorName === 'prepare' ? participantMachine : participantMachine.provide({ actors });
      const actor = createActor(machine).start();
      actor.send(invite(1));
      if (actorName === 'enforceLeave') {
        await waitFor(actor, ({ value }) => nameOf(value) === 'joining');
        actor.send(kick(1));
      }
      await waitFor(actor, ({ value }) => nameOf(value) === 'errored');
      actor.stop();
    },
  );
});

/** A machine on a clock of its own, led into a state, with a `prepare` that works and an `enforceLeave` that hangs. */
async function running(state: State, received = inviteOf(1)) {
  const clock = new SimulatedClock();
  let aborted = false;
  const machine = participantMachine.provide({
    actors: {
      prepare: fromPromise<Preparation, { invite: ParticipantInvite | null }>(({ signal }) => {
        signal.addEventListener('abort', () => {
          aborted = true;
        });
        return state === 'preparing' ? new Promise(() => {}) : Promise.resolve(preparation);
      }),
      enforceLeave: fromPromise(() => new Promise<void>(() => {})),
    },
  });
  const actor = createActor(machine, { clock }).start();
  for (const event of INTO[state]) {
    if (event === prepared) await waitFor(actor, ({ context }) => context.preparation !== null);
    else actor.send(event.type === 'invite.received' ? { ...event, invite: received } : event);
  }
  return { actor, clock, aborted: () => aborted };
}

/** The name of the innermost state of the session, or `stopped`. */
function nameOf(value: ReturnType<typeof at>['snapshot']['value']): string {
  if (value === 'stopped') return value;
  const { session } = (value as { serving: { session: string | object } }).serving;
  return innermost(session);
}

function innermost(value: string | object): string {
  return typeof value === 'string' ? value : innermost(Object.values(value)[0]);
}
