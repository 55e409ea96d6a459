import { FakeClock } from '../testing/fake-clock.ts';
import type { Identity } from './participant.ts';
import { type Removal, Stage } from './stage.ts';

const LINGER_MS = 60_000;
const CLIENT = { sdkVersion: '1.41.0' };

const identity = (participantId: string): Identity => ({
  participantId,
  userId: `user of ${participantId}`,
  attributes: { seat: '1' },
  capabilities: { publish: true, subscribe: true },
});

function setUp() {
  const clock = new FakeClock();
  const stage = new Stage({ id: 's', arn: 'arn:s', name: '', tags: {} }, clock, LINGER_MS);
  const removals: Removal[] = [];
  let changes = 0;
  stage.onRemoval((removal) => removals.push(removal));
  stage.onChange(() => {
    changes += 1;
  });
  return { clock, stage, removals, changes: () => changes };
}

const idsOn = (stage: Stage) => stage.participants.map(({ id }) => id);

describe('a stage', () => {
  test('shows a participant that enters, as its token names it', () => {
    const { stage, changes } = setUp();
    stage.enter(identity('a'), CLIENT);
    expect(stage.participants).toEqual([
      {
        id: 'a',
        userId: 'user of a',
        attributes: { seat: '1' },
        isPublishing: false,
        audioMuted: false,
        videoStopped: false,
      },
    ]);
    expect(changes()).toBe(1);
  });

  test('keeps a participant while any hold is left', () => {
    const { stage } = setUp();
    const socket = stage.enter(identity('a'), CLIENT);
    const media = stage.enter(identity('a'), CLIENT);
    socket.release(0);
    expect(idsOn(stage)).toEqual(['a']);
    media.release(0);
    expect(idsOn(stage)).toEqual([]);
  });

  test('keeps a participant for the grace after its last hold, and not longer', () => {
    const { clock, stage } = setUp();
    stage.enter(identity('a'), CLIENT).release(10_000);
    clock.advance(9_999);
    expect(idsOn(stage)).toEqual(['a']);
    clock.advance(1);
    expect(idsOn(stage)).toEqual([]);
  });

  test('does not see a participant go that comes back within the grace', () => {
    const { clock, stage, changes } = setUp();
    stage.enter(identity('a'), CLIENT).release(10_000);
    stage.enter(identity('a'), CLIENT);
    clock.advance(20_000);
    expect(idsOn(stage)).toEqual(['a']);
    expect(changes()).toBe(1);
  });

  test('forgets nothing of another participant when a hold is released twice', () => {
    const { stage } = setUp();
    const hold = stage.enter(identity('a'), CLIENT);
    hold.release(0);
    stage.enter(identity('a'), CLIENT);
    hold.release(0);
    expect(idsOn(stage)).toEqual(['a']);
  });

  test('tells of a change only where publishing or muting changes something', () => {
    const { stage, changes } = setUp();
    stage.enter(identity('a'), CLIENT);
    stage.setPublishing('a', true);
    stage.setPublishing('a', true);
    stage.setMuted('a', { audioMuted: true, videoStopped: false });
    stage.setMuted('a', { audioMuted: true, videoStopped: false });
    stage.setMuted('stranger', { audioMuted: true, videoStopped: true });
    expect(changes()).toBe(3);
    expect(stage.participants[0]).toMatchObject({ isPublishing: true, audioMuted: true, videoStopped: false });
  });

  test('removes a participant for good when it is disconnected, and says why', () => {
    const { stage, removals } = setUp();
    stage.enter(identity('a'), CLIENT);
    stage.disconnect('a', 'rude');
    expect(idsOn(stage)).toEqual([]);
    expect(stage.isDisconnected('a')).toBe(true);
    expect(removals).toEqual([{ participantId: 'a', code: 'PARTICIPANT_DISCONNECTED', reason: 'rude' }]);
  });

  test('disconnects a participant that is not there, before it comes', () => {
    const { stage, removals } = setUp();
    stage.disconnect('a', '');
    expect(stage.isDisconnected('a')).toBe(true);
    expect(removals).toEqual([]);
  });

  test('lets a participant that left come back', () => {
    const { stage, removals } = setUp();
    stage.enter(identity('a'), CLIENT);
    stage.leave('a');
    stage.enter(identity('a'), CLIENT);
    expect(idsOn(stage)).toEqual(['a']);
    expect(removals).toEqual([{ participantId: 'a', code: 'LEFT', reason: '' }]);
  });
});

describe('a stage session', () => {
  test('begins with the first participant and ends a while after the last', () => {
    const { clock, stage } = setUp();
    expect(stage.activeSession).toBeUndefined();
    const startTimeMs = clock.now();
    const hold = stage.enter(identity('a'), CLIENT);
    const session = stage.activeSession;
    expect(session).toMatchObject({ id: expect.stringMatching(/^st-[a-zA-Z0-9]{13}$/), startTimeMs });
    hold.release(0);
    clock.advance(LINGER_MS - 1);
    expect(stage.activeSession).toBe(session);
    clock.advance(1);
    expect(stage.activeSession).toBeUndefined();
    expect(stage.sessions).toEqual([{ ...session, endTimeMs: startTimeMs + LINGER_MS }]);
  });

  test('goes on when somebody comes before it has ended', () => {
    const { clock, stage } = setUp();
    stage.enter(identity('a'), CLIENT).release(0);
    const session = stage.activeSession;
    clock.advance(LINGER_MS - 1);
    stage.enter(identity('b'), CLIENT);
    clock.advance(LINGER_MS);
    expect(stage.activeSession).toBe(session);
  });

  test('ends at once with its stage', () => {
    const { clock, stage, removals } = setUp();
    stage.enter(identity('a'), CLIENT);
    stage.enter(identity('b'), CLIENT);
    stage.end('gone');
    expect(stage.isEnded).toBe(true);
    expect(stage.sessions.map(({ endTimeMs }) => endTimeMs)).toEqual([clock.now()]);
    expect(removals).toEqual([
      { participantId: 'a', code: 'STAGE_DELETED', reason: 'gone' },
      { participantId: 'b', code: 'STAGE_DELETED', reason: 'gone' },
    ]);
  });

  test('remembers who was there, since when, and whether they ever published', () => {
    const { clock, stage } = setUp();
    const firstJoinTimeMs = clock.now();
    stage.enter(identity('a'), CLIENT).release(0);
    clock.advance(1_000);
    const hold = stage.enter(identity('a'), { sdkVersion: '2.0.0' });
    stage.setPublishing('a', true);
    hold.release(0);
    expect([...(stage.activeSession?.participants.values() ?? [])]).toEqual([
      {
        identity: identity('a'),
        client: { sdkVersion: '2.0.0' },
        state: 'DISCONNECTED',
        firstJoinTimeMs,
        published: true,
      },
    ]);
  });
});
