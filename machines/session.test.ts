import { createActor, fromCallback, SimulatedClock } from 'xstate';
import { failure } from './failures.ts';
import type { SessionEvent, SessionInvite, StageCommand, StageInput } from './session.ts';
import { SESSION_DELAYS, sessionMachine, sessionStateOf } from './session.ts';
import { walk } from './testing/walk.ts';

const inviteOf = (epoch: number): SessionInvite => ({
  epoch,
  participantToken: `token ${epoch}`,
  stageArn: 'arn',
  asset: { url: 'http://127.0.0.1/a.mp4', name: 'a.mp4', loop: true },
});
const start = (epoch: number): SessionEvent => ({ type: 'session.start', invite: inviteOf(epoch) });
const stop = (epoch: number): SessionEvent => ({ type: 'session.stop', epoch, reason: 'KICKED' });
const joined: SessionEvent = { type: 'stage.joined', participantId: 'p1', stageArn: 'arn' };
const ready: SessionEvent = { type: 'source.ready', source: { kind: 'capture', name: 'a.mp4' } };
const flowing: SessionEvent = { type: 'media.flowing' };
const stopped: SessionEvent = { type: 'media.stopped', reason: 'NO_BYTES' };
const lost: SessionEvent = { type: 'stage.lost', reason: 'NETWORK' };
const left: SessionEvent = { type: 'stage.left' };
const expired = failure('TOKEN_EXPIRED', 'The token has expired.');

/** The events that lead a fresh page into each state of a session. */
const INTO = {
  joining: [start(1)],
  joined: [start(1), joined],
  publishing: [start(1), ready, joined],
  published: [start(1), ready, joined, flowing],
  reconnecting: [start(1), ready, joined, flowing, lost],
  leaving: [start(1), ready, joined, flowing, stop(1)],
} satisfies Record<string, SessionEvent[]>;
const CONNECTED = ['joining', 'joined', 'publishing', 'published'] as const;

const at = (state: keyof typeof INTO) => walk(sessionMachine, INTO[state]);
const having = (events: SessionEvent[]) => walk(sessionMachine, events);
const stateAfter = (events: SessionEvent[]) => sessionStateOf(having(events).snapshot);

describe('session machine', () => {
  it.each(Object.keys(INTO) as (keyof typeof INTO)[])('is called %s while it is so', (state) => {
    expect(sessionStateOf(at(state).snapshot)).toBe(state);
  });

  describe('an invite', () => {
    it('starts source and stage at once', () => {
      const { snapshot, effects } = having([start(1)]);
      expect(effects).toEqual(['start source', 'start stage']);
      expect(snapshot.context).toEqual({
        epoch: 1,
        invite: inviteOf(1),
        nextInvite: null,
        source: null,
        onStage: null,
        publishTries: 0,
        joinTries: 0,
        hasPublished: false,
        reason: '',
        failure: null,
        ended: null,
      });
    });

    it('publishes once the stage is joined and the source is ready, whichever comes first', () => {
      expect(walk(sessionMachine, [joined], having([start(1), ready])).effects).toEqual(['tell stage: publish']);
      expect(walk(sessionMachine, [ready], having([start(1), joined])).effects).toEqual(['tell stage: publish']);
    });

    it.each(Object.keys(INTO) as (keyof typeof INTO)[])('that is repeated changes nothing while %s', (state) => {
      const before = at(state);
      const { snapshot, effects } = walk(sessionMachine, [start(1)], before);
      expect([snapshot.value, snapshot.context, effects]).toEqual([before.snapshot.value, before.snapshot.context, []]);
    });

    it.each([
      ['was kicked', [...INTO.published, stop(1), left]],
      ['was kicked before the page heard of it', [stop(1)]],
      ['ended with its asset', [...INTO.published, { type: 'source.ended' }, left]],
      ['was removed by IVS', [...INTO.published, { type: 'stage.removed', reason: 'STAGE_DELETED' }]],
      ['failed', [start(1), { type: 'stage.failed', failure: expired }, left]],
    ] satisfies [string, SessionEvent[]][])('that %s is not started again', (_, events) => {
      const before = having(events);
      expect(walk(sessionMachine, [start(1)], before)).toEqual({ snapshot: before.snapshot, effects: [] });
    });

    it.each(CONNECTED)('with another epoch leaves the present stage first while %s', (state) => {
      const { snapshot, effects } = walk(sessionMachine, [start(2)], at(state));
      expect([sessionStateOf(snapshot), effects]).toEqual(['leaving', ['tell stage: leave']]);

      const next = walk(sessionMachine, [left], { snapshot, effects });
      expect(next.effects).toEqual(['stop stage', 'stop source', 'start source', 'start stage']);
      expect(next.snapshot.context).toEqual({
        ...having([start(2)]).snapshot.context,
        ended: { epoch: 1, reason: 'SUPERSEDED', failure: null },
      });
    });

    it('with another epoch begins at once while reconnecting', () => {
      const { snapshot, effects } = walk(sessionMachine, [start(2)], at('reconnecting'));
      expect(effects).toEqual(['stop source', 'start source', 'start stage']);
      expect(snapshot.context.invite).toEqual(inviteOf(2));
    });

    it('with another epoch takes the place of one that waits', () => {
      const { snapshot } = walk(sessionMachine, [start(2), start(3), left], at('published'));
      expect(snapshot.context.invite).toEqual(inviteOf(3));
    });

    it('with a lower epoch is one of a server that lost its count, and is followed', () => {
      expect(having([start(5), stop(5), left, start(1)]).snapshot.context.invite).toEqual(inviteOf(1));
      expect(having([...INTO.published, start(0), left]).snapshot.context.invite).toEqual(inviteOf(0));
    });
  });

  describe('a kick', () => {
    it.each(CONNECTED)('leaves the stage while %s, and ends the session when it is left', (state) => {
      const { snapshot, effects } = walk(sessionMachine, [stop(1)], at(state));
      expect([sessionStateOf(snapshot), effects]).toEqual(['leaving', ['tell stage: leave']]);

      const end = walk(sessionMachine, [left], { snapshot, effects });
      expect([end.snapshot.value, end.effects]).toEqual(['idle', ['stop stage', 'stop source']]);
      expect(end.snapshot.context.ended).toEqual({ epoch: 1, reason: 'KICKED', failure: null });
    });

    it('ends the session at once while reconnecting', () => {
      const { snapshot, effects } = walk(sessionMachine, [stop(1)], at('reconnecting'));
      expect([snapshot.value, effects]).toEqual(['idle', ['stop source']]);
    });

    it('that names no epoch means the present session', () => {
      const { snapshot } = walk(sessionMachine, [{ type: 'session.stop', reason: 'LEFT' }, left], at('published'));
      expect(snapshot.context.ended).toEqual({ epoch: 1, reason: 'LEFT', failure: null });
    });

    it('of another epoch ends the present session too, since the server knows of no other', () => {
      const { snapshot } = walk(sessionMachine, [stop(2), left], at('published'));
      expect([snapshot.context.epoch, snapshot.context.ended?.epoch]).toEqual([2, 1]);
    });

    it('while leaving calls off the invite that waits', () => {
      const { snapshot } = walk(sessionMachine, [start(2), stop(2), left], at('published'));
      expect([snapshot.value, snapshot.context.epoch, snapshot.context.ended?.epoch]).toEqual(['idle', 2, 1]);
    });

    it('while leaving leaves the first reason in place', () => {
      const { snapshot } = walk(sessionMachine, [{ type: 'source.ended' }, stop(1), left], at('published'));
      expect(snapshot.context.ended).toEqual({ epoch: 1, reason: 'ENDED', failure: null });
    });

    it('of an invite that the page has not heard of ends it unseen', () => {
      expect(having([stop(4)]).snapshot.context.ended).toEqual({ epoch: 4, reason: 'KICKED', failure: null });
    });

    it('without an epoch changes nothing when there is no session', () => {
      expect(stateAfter([{ type: 'session.stop', reason: 'LEFT' }])).toBe('idle');
      expect(having([{ type: 'session.stop', reason: 'LEFT' }]).snapshot.context.ended).toBe(null);
    });

    it('acknowledges a failure', () => {
      expect(stateAfter([start(1), { type: 'stage.failed', failure: expired }, left, stop(1)])).toBe('idle');
    });
  });

  describe('media', () => {
    it('that stop are published again on the same connection', () => {
      const { snapshot, effects } = walk(sessionMachine, [stopped], at('published'));
      expect([sessionStateOf(snapshot), effects]).toEqual(['publishing', ['tell stage: republish']]);
      expect(snapshot.context.reason).toBe('NO_BYTES');
    });

    it('that flow reset every count', () => {
      const { snapshot } = walk(sessionMachine, [stopped, stopped, flowing], at('published'));
      const { publishTries, joinTries, hasPublished, reason } = snapshot.context;
      expect({ publishTries, joinTries, hasPublished, reason }).toEqual({
        publishTries: 0,
        joinTries: 0,
        hasPublished: true,
        reason: '',
      });
    });

    it('that do not flow after the third try on one connection have the stage joined anew', () => {
      const third = walk(sessionMachine, [stopped, stopped, stopped], at('publishing'));
      expect(sessionStateOf(third.snapshot)).toBe('publishing');
      const fourth = walk(sessionMachine, [stopped], third);
      expect([sessionStateOf(fourth.snapshot), fourth.effects]).toEqual(['reconnecting', ['stop stage']]);
    });
  });

  describe('a lost stage', () => {
    it.each(CONNECTED)('is joined again while %s, with the source kept running', (state) => {
      const { snapshot, effects } = walk(sessionMachine, [lost], at(state));
      expect([sessionStateOf(snapshot), effects]).toEqual(['reconnecting', ['stop stage']]);
      expect([snapshot.context.onStage, snapshot.context.reason]).toEqual([null, 'NETWORK']);
    });

    it('ends the session as JOIN_FAILED when it was never joined', () => {
      const { snapshot } = untilFailed([lost]);
      expect(snapshot.context.ended).toEqual({
        epoch: 1,
        reason: 'JOIN_FAILED',
        failure: failure(
          'JOIN_FAILED',
          'The stage could not be joined (NETWORK). Does it exist, and can this machine reach IVS?',
        ),
      });
    });

    it('ends the session as PUBLISH_FAILED when it was joined but media never flowed', () => {
      const { snapshot } = untilFailed([joined, stopped, stopped, stopped, stopped]);
      expect(snapshot.context.ended?.failure).toEqual(
        failure('PUBLISH_FAILED', 'No media arrived at the stage (NO_BYTES). Are UDP and WHIP to IVS open?'),
      );
    });

    it('ends as it was asked to when it is lost while leaving', () => {
      const { snapshot } = walk(sessionMachine, [lost], at('leaving'));
      expect(snapshot.context.ended).toEqual({ epoch: 1, reason: 'KICKED', failure: null });
    });
  });

  describe('the end of a session', () => {
    it.each([...CONNECTED])('by IVS while %s is no failure and needs no leaving', (state) => {
      const { snapshot, effects } = walk(
        sessionMachine,
        [{ type: 'stage.removed', reason: 'STAGE_DELETED' }],
        at(state),
      );
      expect([snapshot.value, effects]).toEqual(['idle', ['stop stage', 'stop source']]);
      expect(snapshot.context.ended).toEqual({ epoch: 1, reason: 'STAGE_DELETED', failure: null });
    });

    it.each([
      ['stage.failed', 'published'],
      ['source.failed', 'joining'],
    ] as const)('by %s leaves the stage and is failed', (type, state) => {
      const { snapshot } = walk(sessionMachine, [{ type, failure: expired }, left], at(state));
      expect([snapshot.value, snapshot.context.ended]).toEqual([
        'failed',
        { epoch: 1, reason: 'TOKEN_EXPIRED', failure: expired },
      ]);
    });

    it('by an asset that does not loop is told as ENDED', () => {
      const { snapshot } = walk(sessionMachine, [{ type: 'source.ended' }, left], at('published'));
      expect(snapshot.context.ended).toEqual({ epoch: 1, reason: 'ENDED', failure: null });
    });

    it('by a source that fails while reconnecting needs no leaving', () => {
      expect(stateAfter([...INTO.reconnecting, { type: 'source.failed', failure: expired }])).toBe('failed');
      expect(stateAfter([...INTO.reconnecting, { type: 'source.ended' }])).toBe('idle');
    });

    it('frees the page for the next invite after a failure', () => {
      expect(stateAfter([start(1), { type: 'stage.failed', failure: expired }, left, start(2)])).toBe('joining');
    });
  });

  describe('time', () => {
    it.each([
      ['joining', 'joinTimeout', 'reconnecting'],
      ['joined', 'sourceTimeout', 'leaving'],
      ['leaving', 'leaveTimeout', 'idle'],
    ] as const)('in %s runs out after %s, not a millisecond before', (state, delay, next) => {
      const { actor, clock } = running(INTO[state]);
      clock.increment(SESSION_DELAYS[delay] - 1);
      expect(sessionStateOf(actor.getSnapshot())).toBe(state);
      clock.increment(1);
      expect(sessionStateOf(actor.getSnapshot())).toBe(next);
    });

    it('in publishing runs out after publishTimeout and publishes again', () => {
      const { clock, commands } = running(INTO.publishing);
      clock.increment(SESSION_DELAYS.publishTimeout - 1);
      expect(commands).toEqual(['publish']);
      clock.increment(1);
      expect(commands).toEqual(['publish', 'republish']);
    });

    it('of a session runs out after sessionTimeout, by leaving the stage', () => {
      const { actor, clock } = running(INTO.published);
      clock.increment(SESSION_DELAYS.sessionTimeout - 1);
      expect(sessionStateOf(actor.getSnapshot())).toBe('published');
      clock.increment(1);
      expect([sessionStateOf(actor.getSnapshot()), actor.getSnapshot().context.reason]).toEqual([
        'leaving',
        'MAX_DURATION',
      ]);
    });

    it('between attempts to join grows from 250 ms to 4 s, then the session gives up', () => {
      const { actor, clock } = running(INTO.joining);
      for (const backoffMs of [250, 500, 1_000, 2_000, 4_000]) {
        actor.send(lost);
        clock.increment(backoffMs - 1);
        expect(sessionStateOf(actor.getSnapshot())).toBe('reconnecting');
        clock.increment(1);
        expect(sessionStateOf(actor.getSnapshot())).toBe('joining');
      }
      actor.send(lost);
      expect(sessionStateOf(actor.getSnapshot())).toBe('failed');
    });

    it('between attempts to join stays at 4 s, without end, once the session has published', () => {
      const { actor, clock } = running(INTO.published);
      for (const backoffMs of [250, 500, 1_000, 2_000, 4_000, 4_000, 4_000]) {
        actor.send(lost);
        clock.increment(backoffMs - 1);
        expect(sessionStateOf(actor.getSnapshot())).toBe('reconnecting');
        clock.increment(1);
        expect(sessionStateOf(actor.getSnapshot())).toBe('joining');
      }
    });
  });

  describe('an actor that crashes', () => {
    const thrower = fromCallback<StageCommand, StageInput>(() => {
      throw new TypeError('secret eyJhbGci');
    });

    it('fails the session as INTERNAL, by the kind of the error and not its text', () => {
      const actor = createActor(sessionMachine.provide({ actors: { stage: thrower, source: fromCallback(() => {}) } }));
      actor.start();
      actor.send(start(1));
      expect(actor.getSnapshot().context.ended).toEqual({
        epoch: 1,
        reason: 'INTERNAL',
        failure: failure('INTERNAL', 'The stage of the page crashed (TypeError). Please report this fault.'),
      });
    });

    it('is what an actor does that was not provided', () => {
      const actor = createActor(sessionMachine.provide({ actors: { stage: fromCallback(() => {}) } })).start();
      actor.send(start(1));
      expect(actor.getSnapshot().context.ended?.failure?.message).toBe(
        'The source of the page crashed (Error). Please report this fault.',
      );
    });
  });
});

/** A machine on a clock of its own, with actors that do nothing but note what the stage was told. */
function running(events: SessionEvent[]) {
  const clock = new SimulatedClock();
  const commands: string[] = [];
  const machine = sessionMachine.provide({
    actors: {
      source: fromCallback(() => {}),
      stage: fromCallback<StageCommand, StageInput>(({ receive }) => {
        receive((command) => commands.push(command.type));
      }),
    },
  });
  const actor = createActor(machine, { clock }).start();
  for (const event of events) actor.send(event);
  return { actor, clock, commands };
}

/** Plays `attempt` on each connection of an invite until the session has failed. */
function untilFailed(attempt: SessionEvent[]) {
  const { actor, clock } = running([start(1), ready]);
  for (let tries = 0; tries < 10 && sessionStateOf(actor.getSnapshot()) !== 'failed'; tries += 1) {
    for (const event of attempt) actor.send(event);
    clock.increment(4_000);
  }
  return { snapshot: actor.getSnapshot() };
}
