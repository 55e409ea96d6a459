import { failure } from './failures.ts';
import { parsePageMessage, stringify } from './protocol.ts';
import type { SessionEvent, SessionInvite } from './session.ts';
import { sessionMachine } from './session.ts';
import type { MediaFigures } from './session-link.ts';
import { greetingOf, messagesBetween, sessionEventOf, statsOf } from './session-link.ts';
import { walk } from './testing/walk.ts';

const timestamp = '2023-01-01T00:00:00.000Z';
const asset = { url: 'http://127.0.0.1/a.mp4', name: 'a.mp4', loop: true };
const invite = (epoch: number): SessionInvite => ({ epoch, participantToken: 'T', stageArn: 'arn', asset });
const figures: MediaFigures = { frames: 30, bytes: 9_000, fps: 30, mediaTimeMs: 1_000, loops: 0, rejoins: 0 };
const expired = failure('TOKEN_EXPIRED', 'The token has expired.');

const start: SessionEvent = { type: 'session.start', invite: invite(1) };
const another: SessionEvent = { type: 'session.start', invite: invite(2) };
const kick: SessionEvent = { type: 'session.stop', epoch: 1, reason: 'KICKED' };
const ready: SessionEvent = { type: 'source.ready', source: { kind: 'capture', name: 'a.mp4' } };
const joined: SessionEvent = { type: 'stage.joined', participantId: 'p1', stageArn: 'arn' };
const flowing: SessionEvent = { type: 'media.flowing' };
const stopped: SessionEvent = { type: 'media.stopped', reason: 'NO_BYTES' };
const lost: SessionEvent = { type: 'stage.lost', reason: 'NETWORK' };
const left: SessionEvent = { type: 'stage.left' };
const failed: SessionEvent = { type: 'stage.failed', failure: expired };
const PUBLISHED = [start, ready, joined, flowing];

/** The messages that each event makes the page send, once the events `before` have happened. */
function told(before: SessionEvent[], ...events: SessionEvent[]) {
  let from = walk(sessionMachine, before);
  return events.map((event) => {
    const to = walk(sessionMachine, [event], from);
    const messages = messagesBetween(from.snapshot, to.snapshot);
    from = to;
    return messages;
  });
}

describe('sessionEventOf', () => {
  const metadata = { timestamp, epoch: 3, stageArn: 'arn', participantToken: 'T', asset };

  it.each(['invited', 'connected', 'published'] as const)('takes %s with a token as the invite it is', (status) => {
    expect(sessionEventOf({ type: 'vp.update', status, metadata }, 0)).toEqual({
      type: 'session.start',
      invite: invite(3),
    });
  });

  it('takes an invite that names neither stage nor asset', () => {
    const update = { type: 'vp.update', status: 'invited', metadata: { timestamp, participantToken: 'T' } } as const;
    expect(sessionEventOf(update, 7)).toEqual({
      type: 'session.start',
      invite: { epoch: 7, participantToken: 'T', stageArn: null, asset: null },
    });
  });

  it.each(['invited', 'connected', 'published'] as const)('does nothing about %s without a token', (status) => {
    expect(sessionEventOf({ type: 'vp.update', status, metadata: { timestamp } }, 0)).toBe(null);
  });

  it.each([
    ['available', 'AVAILABLE'],
    ['kicked', 'KICKED'],
    ['errored', 'ERRORED'],
    ['stopped', 'STOPPED'],
  ] as const)('takes %s as the end of the session, with the status where no reason is given', (status, reason) => {
    const update = { type: 'vp.update', status, metadata: { timestamp, epoch: 3 } } as const;
    expect(sessionEventOf(update, 0)).toEqual({ type: 'session.stop', epoch: 3, reason });
    const withReason = { ...update, metadata: { ...update.metadata, reason: 'DRAIN' } };
    expect(sessionEventOf(withReason, 0)).toEqual({ type: 'session.stop', epoch: 3, reason: 'DRAIN' });
  });

  it('takes the epoch from the metadata, else from the message, else the present one', () => {
    const update = { type: 'vp.update', status: 'kicked', metadata: { timestamp } } as const;
    const stop = { type: 'session.stop', reason: 'KICKED' };
    const named = { ...update, epoch: 4 };
    expect(sessionEventOf({ ...named, metadata: { timestamp, epoch: 3 } }, 7)).toEqual({ ...stop, epoch: 3 });
    expect(sessionEventOf(named, 7)).toEqual({ ...stop, epoch: 4 });
    expect(sessionEventOf(update, 7)).toEqual({ ...stop, epoch: 7 });
  });
});

describe('messagesBetween', () => {
  it('tells joining and publishing', () => {
    expect(told([], start, ready, joined, flowing)).toEqual([
      [],
      [],
      [{ type: 'vp.joined_stage', participantId: 'p1', stageArn: 'arn', epoch: 1 }],
      [{ type: 'vp.published', epoch: 1 }],
    ]);
  });

  it('tells that media stopped and flow again', () => {
    expect(told(PUBLISHED, stopped, flowing)).toEqual([
      [{ type: 'vp.unpublished', reason: 'NO_BYTES', epoch: 1 }],
      [{ type: 'vp.published', epoch: 1 }],
    ]);
  });

  it('tells of a lost stage that it is not published, and of each new joining', () => {
    const again: SessionEvent = { type: 'xstate.after.backoff.session.session.reconnecting' } as never;
    expect(told(PUBLISHED, lost, again, { ...joined, participantId: 'p2' }, flowing)).toEqual([
      [{ type: 'vp.unpublished', reason: 'NETWORK', epoch: 1 }],
      [],
      [{ type: 'vp.joined_stage', participantId: 'p2', stageArn: 'arn', epoch: 1 }],
      [{ type: 'vp.published', epoch: 1 }],
    ]);
  });

  it('tells of a kick first that media stopped, and that the stage was left once it was', () => {
    expect(told(PUBLISHED, kick, left)).toEqual([
      [{ type: 'vp.unpublished', reason: 'KICKED', epoch: 1 }],
      [{ type: 'vp.left_stage', reason: 'KICKED', epoch: 1 }],
    ]);
  });

  it('tells by its reason who took the participant off the stage', () => {
    expect(told(PUBLISHED, { type: 'stage.removed', reason: 'PARTICIPANT_DISCONNECTED' })).toEqual([
      [
        { type: 'vp.unpublished', reason: 'PARTICIPANT_DISCONNECTED', epoch: 1 },
        { type: 'vp.left_stage', reason: 'PARTICIPANT_DISCONNECTED', epoch: 1 },
      ],
    ]);
  });

  it('tells a failure before the leaving that it caused', () => {
    expect(told([start], failed, left)).toEqual([
      [],
      [
        { type: 'vp.error', error: 'The token has expired.', code: 'TOKEN_EXPIRED', epoch: 1 },
        { type: 'vp.left_stage', reason: 'TOKEN_EXPIRED', epoch: 1 },
      ],
    ]);
  });

  it('tells the end of a superseded session by its own epoch', () => {
    expect(told(PUBLISHED, another, left)).toEqual([
      [{ type: 'vp.unpublished', reason: 'SUPERSEDED', epoch: 1 }],
      [{ type: 'vp.left_stage', reason: 'SUPERSEDED', epoch: 1 }],
    ]);
  });

  it('names a reason where the stage actor gave none', () => {
    expect(told(PUBLISHED, { type: 'media.stopped', reason: '' })).toEqual([
      [{ type: 'vp.unpublished', reason: 'UNKNOWN', epoch: 1 }],
    ]);
  });

  it('tells nothing of an invite that ended before the page heard of it', () => {
    expect(told([], kick)).toEqual([[]]);
    expect(told([...PUBLISHED, kick, left], { ...kick, epoch: 2 })).toEqual([[]]);
  });
});

describe('statsOf', () => {
  const statsAfter = (...events: SessionEvent[]) => statsOf(walk(sessionMachine, events).snapshot, figures);

  it('of a fresh page is idle at epoch 0, which no invite has', () => {
    expect(statsAfter()).toEqual({ type: 'vp.stats', state: 'idle', epoch: 0, participantId: null, ...figures });
  });

  it('tells state, epoch, participant and source of a session', () => {
    expect(statsAfter(...PUBLISHED)).toEqual({
      type: 'vp.stats',
      state: 'published',
      epoch: 1,
      participantId: 'p1',
      ...figures,
      source: 'capture',
    });
  });

  it('tells why media stopped or the stage was lost', () => {
    expect(statsAfter(...PUBLISHED, lost)).toEqual({
      type: 'vp.stats',
      state: 'reconnecting',
      epoch: 1,
      participantId: null,
      ...figures,
      source: 'capture',
      reason: 'NETWORK',
    });
  });

  it('tells the present session by its own epoch while another invite waits', () => {
    expect(statsAfter(...PUBLISHED, another).epoch).toBe(1);
  });

  it('tells the failure of a session until the server has heard it and goes on', () => {
    const failing = [start, failed, left];
    const ended = { type: 'vp.stats', epoch: 1, participantId: null, ...figures };
    const cause = { reason: 'TOKEN_EXPIRED', code: 'TOKEN_EXPIRED', error: 'The token has expired.' };
    expect(statsAfter(...failing)).toEqual({ ...ended, ...cause, state: 'failed' });
    expect(statsAfter(...failing, kick)).toEqual({ ...ended, ...cause, state: 'idle' });
    expect(statsAfter(...failing, { ...kick, epoch: 2 })).toEqual({ ...ended, state: 'idle', epoch: 2 });
  });

  it('between sessions tells the epoch that the server named last, heard of as an invite or not', () => {
    expect(statsAfter({ ...kick, epoch: 9 }).epoch).toBe(9);
    expect(statsAfter(...PUBLISHED, { ...kick, epoch: 9 }, left).epoch).toBe(9);
  });

  it('is a message that the server understands', () => {
    for (const events of [[], PUBLISHED, [...PUBLISHED, lost], [start, failed, left]]) {
      const stats = statsAfter(...events);
      expect(parsePageMessage(stringify(stats))).toEqual(stats);
    }
  });
});

describe('greetingOf', () => {
  const { snapshot } = walk(sessionMachine, PUBLISHED);
  const rest = [statsOf(snapshot, figures), { type: 'vp.subscribe_vp' }];

  it('tells where the page stands before it subscribes', () => {
    expect(greetingOf(snapshot, figures, false)).toEqual(rest);
  });

  it('says vp.ready once per page load', () => {
    expect(greetingOf(snapshot, figures, true)).toEqual([{ type: 'vp.ready' }, ...rest]);
  });
});
