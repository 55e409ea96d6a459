import { initialTransition } from 'xstate';
import { failure } from './failures.ts';
import type { PageReport, ParticipantEvent, Preparation } from './participant.ts';
import { participantMachine } from './participant.ts';
import { reportOf, statusOf, updateOf } from './participant-link.ts';
import type { PageMessage } from './protocol.ts';
import { parseServerMessage, stringify } from './protocol.ts';
import { walk } from './testing/walk.ts';

const timestamp = '2023-01-01T00:00:00.000Z';
const expired = failure('TOKEN_EXPIRED', 'The token has expired.');
const preparation: Preparation = {
  participantToken: 'T',
  participantId: 'p1',
  asset: { url: 'http://127.0.0.1/a.mp4', name: 'a.mp4', loop: true },
};
const invite: ParticipantEvent = {
  type: 'invite.received',
  invite: {
    epoch: 1,
    stageArn: 'arn',
    assetName: 'a.mp4',
    loop: true,
    userId: null,
    attributes: {},
    maxDurationSeconds: null,
  },
};
const prepared = { type: 'xstate.done.actor.prepare', output: preparation } as unknown as ParticipantEvent;
const says = (state: PageReport['state'], more: Partial<PageReport> = {}): ParticipantEvent => ({
  type: 'page.reported',
  report: { epoch: 1, state, participantId: 'p1', reason: null, failure: null, tellsMedia: true, ...more },
});
const kick: ParticipantEvent = { type: 'kick.received', epoch: 1, reason: 'KICKED' };
const drain: ParticipantEvent = { type: 'drain', reason: 'DRAIN' };
const free: ParticipantEvent[] = [{ type: 'control.online' }, { type: 'page.ready' }];
const joining = [...free, invite, prepared];

const having = (...events: ParticipantEvent[]) => walk(participantMachine, events).snapshot;

describe('statusOf', () => {
  const nothing = { epoch: 1, participantId: 'p1', reason: null, failure: null };

  it('is AVAILABLE only while control is online, the page ready and the stage left', () => {
    const available = { ...nothing, status: 'AVAILABLE', epoch: 0, participantId: null };
    expect(statusOf(having(...free))).toEqual(available);
    expect(statusOf(having({ type: 'page.ready' }))).toBe(null);
    expect(statusOf(having({ type: 'control.online' }))).toBe(null);
    expect(statusOf(having({ type: 'control.online' }, { type: 'page.loading' }))).toBe(null);
    expect(statusOf(having(...free, says('published', { epoch: 9 })))).toBe(null);
  });

  it.each([
    ['INVITED', [...free, invite], { participantId: null }],
    ['INVITED', joining, {}],
    ['CONNECTED', [...joining, says('joined')], {}],
    ['PUBLISHED', [...joining, says('published')], {}],
    [
      'INVITED',
      [...joining, says('published'), { type: 'page.lost', reason: 'PAGE_CRASHED' }],
      { reason: 'PAGE_CRASHED' },
    ],
    ['KICKED', [...joining, says('idle', { reason: 'STAGE_DELETED' })], { reason: 'STAGE_DELETED' }],
    [
      'ERRORED',
      [...joining, says('failed', { reason: expired.code, failure: expired })],
      { reason: 'TOKEN_EXPIRED', failure: expired },
    ],
    ['AVAILABLE', [...joining, kick, says('idle')], { participantId: null, reason: 'KICKED' }],
    ['AVAILABLE', [...joining, says('idle', { reason: 'ENDED' })], { participantId: null, reason: 'ENDED' }],
    ['STOPPED', [...joining, drain, says('idle')], { participantId: null, reason: 'DRAIN' }],
  ] satisfies [string, ParticipantEvent[], object][])('is %s after %j', (status, events, more) => {
    expect(statusOf(having(...events))).toEqual({ ...nothing, status, ...more });
  });

  it('has nothing new to say while leaving, since the control plane asked for it', () => {
    expect(statusOf(having(...joining, kick))).toBe(null);
  });
});

describe('updateOf', () => {
  const invited = {
    timestamp,
    epoch: 1,
    stageArn: 'arn',
    participantId: 'p1',
    participantToken: 'T',
    asset: preparation.asset,
  };

  it('is silent about an invite that is being prepared', () => {
    expect(updateOf(having(...free, invite), timestamp)).toBe(null);
  });

  it.each([
    ['invited', joining],
    ['connected', [...joining, says('joined')]],
    ['published', [...joining, says('published')]],
    ['invited', [...joining, says('published'), says('reconnecting')]],
  ] satisfies [string, ParticipantEvent[]][])('is always the whole invite: %s', (status, events) => {
    expect(updateOf(having(...events), timestamp)).toEqual({ type: 'vp.update', status, metadata: invited });
  });

  it('leaves out what the invite does not have', () => {
    const bare = { ...prepared, output: { participantToken: 'T', participantId: null, asset: null } };
    expect(updateOf(having(invite, bare as ParticipantEvent), timestamp)).toEqual({
      type: 'vp.update',
      status: 'invited',
      metadata: { timestamp, epoch: 1, stageArn: 'arn', participantToken: 'T' },
    });
  });

  it.each([
    ['available', free, { epoch: 0 }],
    ['available', [...joining, says('idle', { reason: 'ENDED' })], { reason: 'ENDED' }],
    ['kicked', [...joining, kick], { reason: 'KICKED' }],
    ['kicked', [...joining, says('idle', { reason: 'STAGE_DELETED' })], { reason: 'STAGE_DELETED' }],
    ['errored', [...joining, says('failed', { reason: expired.code, failure: expired })], { reason: 'TOKEN_EXPIRED' }],
    ['kicked', [...free, says('joined', { epoch: 9 })], { epoch: 0, reason: 'NOT_INVITED' }],
    ['stopped', [...free, drain], { epoch: 0, reason: 'DRAIN' }],
  ] satisfies [string, ParticipantEvent[], object][])('is %s, without a token, after %j', (status, events, more) => {
    expect(updateOf(having(...events), timestamp)).toEqual({
      type: 'vp.update',
      status,
      metadata: { timestamp, epoch: 1, ...more },
    });
  });

  it('is a message that the page understands', () => {
    const update = updateOf(having(...joining), timestamp);
    expect(update === null ? null : parseServerMessage(stringify(update))).toEqual(update);
  });

  it('begins with the epoch that the control plane knows', () => {
    const [snapshot] = initialTransition(participantMachine, { epoch: 5 });
    expect(updateOf(snapshot, timestamp)?.metadata.epoch).toBe(5);
  });
});

describe('reportOf', () => {
  const report = { epoch: 7, state: 'idle', participantId: null, reason: null, failure: null, tellsMedia: false };
  const stats = { type: 'vp.stats', participantId: 'p1', frames: 1, bytes: 1, fps: 30, mediaTimeMs: 33 } as const;
  const counts = { loops: 0, rejoins: 0 };

  it.each([
    [
      { type: 'vp.joined_stage', stageArn: 'arn', participantId: 'p1' },
      { state: 'joined', participantId: 'p1' },
    ],
    [{ type: 'vp.published' }, { state: 'published', tellsMedia: true }],
    [
      { type: 'vp.unpublished', reason: 'NO_BYTES' },
      { state: 'publishing', reason: 'NO_BYTES', tellsMedia: true },
    ],
    [{ type: 'vp.left_stage' }, { state: 'idle' }],
    [
      { type: 'vp.left_stage', reason: 'ENDED' },
      { state: 'idle', reason: 'ENDED' },
    ],
    [
      { type: 'vp.error', error: expired.message, code: 'TOKEN_EXPIRED' },
      { state: 'failed', reason: 'TOKEN_EXPIRED', failure: expired },
    ],
    [
      { ...stats, ...counts, state: 'published' },
      { state: 'published', participantId: 'p1', tellsMedia: true },
    ],
    [
      { ...stats, ...counts, state: 'failed', reason: expired.code, code: 'TOKEN_EXPIRED', error: expired.message },
      { state: 'failed', participantId: 'p1', reason: 'TOKEN_EXPIRED', failure: expired, tellsMedia: true },
    ],
    [
      { ...stats, ...counts, state: 'failed', code: 'TOKEN_EXPIRED' },
      {
        state: 'failed',
        participantId: 'p1',
        failure: failure('TOKEN_EXPIRED', 'TOKEN_EXPIRED'),
        tellsMedia: true,
      },
    ],
  ] satisfies [PageMessage, object][])('reads %j', (message, more) => {
    expect(reportOf(message, 7)).toEqual({ ...report, ...more });
  });

  it.each([
    { type: 'vp.ready' },
    { type: 'vp.subscribe_vp' },
    { type: 'vp.error', error: 'The picture is dark.' },
  ] satisfies PageMessage[])('finds nothing about the session in %j', (message) => {
    expect(reportOf(message, 7)).toBe(null);
  });

  it('takes the epoch of the message before the present one', () => {
    expect(reportOf({ type: 'vp.published', epoch: 3 }, 7)?.epoch).toBe(3);
  });
});
