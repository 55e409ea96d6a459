import { jest } from '@jest/globals';
import { createActor, fromPromise } from 'xstate';
import { type FailureCode, FailureError, failure } from '../../machines/failures.ts';
import {
  PARTICIPANT_DELAYS,
  type PageReport,
  type ParticipantActor,
  type ParticipantInvite,
  type Preparation,
  participantMachine,
} from '../../machines/participant.ts';
import type { VpStats } from '../../machines/protocol.ts';
import { createObserver, type ParticipantObserver } from './observe.ts';

const PREPARED: Preparation = { participantToken: 't', participantId: 'p', asset: null };
/** Sooner than leaving is enforced here. */
const DRAIN_TIMEOUT_MS = 3_000;
const pass = (timeMs: number) => jest.advanceTimersByTimeAsync(timeMs);

let actor: ParticipantActor;
let observer: ParticipantObserver;
/** What was recorded besides the places, as `invite_phase_seconds join 0.2`. */
let recorded: string[];
let places: { free: number; taken: number };
/** How `prepare` and `enforceLeave` go, besides the time that they take. */
let prepare: () => Preparation;
let enforceLeave: () => void;

beforeEach(() => {
  jest.useFakeTimers();
  recorded = [];
  places = { free: -1, taken: -1 };
  prepare = () => PREPARED;
  enforceLeave = () => {};
  const wait = (timeMs: number) => new Promise((resolve) => setTimeout(resolve, timeMs));
  actor = createActor(
    participantMachine.provide({
      actors: {
        prepare: fromPromise(() => wait(100).then(() => prepare())),
        enforceLeave: fromPromise(() => wait(5_000).then(() => enforceLeave())),
      },
      delays: { drainTimeout: DRAIN_TIMEOUT_MS },
    }),
  );
  observer = createObserver({
    record(name, value, labels) {
      if (name === 'vp_places_free') places.free = value;
      else if (name === 'vp_places_taken') places.taken = value;
      else recorded.push([name.slice(3), ...Object.values(labels), value].join(' '));
    },
    nowMs: () => Date.now(),
  });
  actor.subscribe((snapshot) => observer.onSnapshot(snapshot));
  actor.start();
  observer.onSnapshot(actor.getSnapshot());
});
afterEach(() => {
  actor.stop();
  jest.useRealTimers();
});

/** What was recorded since the last time. */
const news = () => recorded.splice(0);

function becomeFree(): void {
  actor.send({ type: 'control.online' });
  actor.send({ type: 'page.loading' });
  actor.send({ type: 'page.ready' });
}

function invite(epoch = actor.getSnapshot().context.epoch + 1): void {
  const given: ParticipantInvite = {
    epoch,
    stageArn: 'arn',
    assetName: null,
    loop: true,
    userId: null,
    attributes: {},
    maxDurationSeconds: null,
  };
  actor.send({ type: 'invite.received', invite: given });
}

function page(state: PageReport['state'], code?: FailureCode): void {
  const { epoch } = actor.getSnapshot().context;
  const failed = code === undefined ? null : failure(code, 'It failed.');
  const report = { epoch, state, participantId: 'p', reason: null, failure: failed, tellsMedia: true };
  actor.send({ type: 'page.reported', report });
}

const kick = () => actor.send({ type: 'kick.received', reason: 'KICKED' });
const told = (status: 'KICKED' | 'ERRORED') =>
  actor.send({ type: 'status.reported', epoch: actor.getSnapshot().context.epoch, status });

async function becomePublished(): Promise<void> {
  becomeFree();
  invite();
  await pass(100);
  page('joined');
  page('published');
  news();
}

describe('An invite', () => {
  it('is counted once, and each of its phases is timed by itself, and the whole until it publishes', async () => {
    becomeFree();
    invite();
    await pass(100);
    page('joining');
    await pass(200);
    page('joined');
    await pass(10);
    page('publishing');
    await pass(50);
    page('published');
    page('published');
    expect(news()).toEqual([
      'invites_total 1',
      'invite_phase_seconds prepare 0.1',
      'invite_phase_seconds join 0.2',
      'invite_phase_seconds publish 0.06',
      'invite_seconds 0.36',
    ]);
    kick();
    await pass(70);
    page('idle');
    expect(news()).toEqual(['invite_phase_seconds leave 0.07']);
    invite();
    expect(news()).toEqual(['invites_total 1']);
  });

  it('that is seen to publish before it is seen to join has no phase of publishing', async () => {
    becomeFree();
    invite();
    await pass(100);
    page('published');
    expect(news().slice(2)).toEqual(['invite_phase_seconds join 0', 'invite_seconds 0.1']);
  });

  it('that loses the stage before it ever published is still in its phase of publishing', async () => {
    becomeFree();
    invite();
    await pass(100);
    page('joined');
    page('reconnecting');
    await pass(1_000);
    page('joined');
    page('published');
    expect(news().slice(3)).toEqual(['invite_phase_seconds publish 1', 'invite_seconds 1.1']);
  });

  it('that is kicked in a phase has no time of it', async () => {
    becomeFree();
    invite();
    kick();
    expect([news(), places]).toEqual([['invites_total 1'], { free: 1, taken: 0 }]);
    invite();
    await pass(100);
    kick();
    page('idle');
    expect(news()).toEqual(['invites_total 1', 'invite_phase_seconds prepare 0.1', 'invite_phase_seconds leave 0']);
  });

  it('that ends by itself, or by IVS, has no phase of leaving and is no failure', async () => {
    await becomePublished();
    page('idle');
    expect([news(), places]).toEqual([[], { free: 1, taken: 0 }]);
    await becomePublished();
    const { epoch } = actor.getSnapshot().context;
    const report = { epoch, state: 'idle' as const, participantId: null, failure: null, tellsMedia: true };
    actor.send({ type: 'page.reported', report: { ...report, reason: 'PARTICIPANT_DISCONNECTED' } });
    expect([news(), places]).toEqual([[], { free: 0, taken: 1 }]);
    told('KICKED');
    expect([news(), places]).toEqual([[], { free: 1, taken: 0 }]);
  });
});

describe('Leaving', () => {
  it('is timed until IVS has the evidence, where the page is silent', async () => {
    await becomePublished();
    kick();
    await pass(5_000);
    expect(news()).toEqual(['invite_phase_seconds leave 5']);
  });

  it('that failed is a failure, and not timed', async () => {
    enforceLeave = () => {
      throw new Error('no');
    };
    await becomePublished();
    kick();
    await pass(5_000);
    expect(news()).toEqual(['failures_total participant INTERNAL 1']);
  });

  it('after a failure is timed, and the failure counted once', async () => {
    becomeFree();
    invite();
    await pass(100 + PARTICIPANT_DELAYS.joinTimeout);
    news();
    await pass(30);
    page('idle');
    expect(news()).toEqual(['invite_phase_seconds leave 0.03', 'failures_total network JOIN_FAILED 1']);
    told('ERRORED');
    expect(news()).toEqual([]);
  });

  it('at SIGTERM is timed if the stage was left', async () => {
    await becomePublished();
    actor.send({ type: 'drain', reason: 'SIGTERM' });
    expect(places).toEqual({ free: 0, taken: 1 });
    await pass(40);
    page('idle');
    expect([news(), places]).toEqual([['invite_phase_seconds leave 0.04'], { free: 0, taken: 0 }]);
  });

  it('at SIGTERM is not timed if the time for it ran out', async () => {
    await becomePublished();
    actor.send({ type: 'drain', reason: 'SIGTERM' });
    await pass(DRAIN_TIMEOUT_MS);
    expect([news(), places]).toEqual([[], { free: 0, taken: 0 }]);
  });

  it('of a page that was on a stage without an invite is none of an invite', async () => {
    becomeFree();
    page('published');
    expect(places).toEqual({ free: 0, taken: 1 });
    page('idle');
    expect([news(), places]).toEqual([[], { free: 1, taken: 0 }]);
  });
});

describe('A recovery', () => {
  const lost = () => actor.send({ type: 'page.lost', reason: 'PAGE_LOST' });
  const loaded = () => {
    actor.send({ type: 'page.loading' });
    actor.send({ type: 'page.ready' });
  };

  it.each<[string, string, (PageReport['state'] | 'lost' | 'loaded')[]]>([
    ['media', 'stopped', ['publishing']],
    ['stage', 'stopped and then the stage was lost', ['publishing', 'reconnecting', 'joined']],
    ['stage', 'and stage were lost', ['reconnecting', 'joined']],
    ['page', 'and page were lost', ['lost', 'loaded', 'joining', 'joined']],
    ['page', 'and stage were lost and then the page', ['reconnecting', 'lost', 'loaded', 'joined']],
    ['page', 'stopped because the page loaded anew', ['loaded', 'joining', 'joined']],
  ])('has the cause %s where media %s', async (cause, _, steps) => {
    await becomePublished();
    for (const step of steps) {
      if (step === 'lost') lost();
      else if (step === 'loaded') loaded();
      else page(step);
    }
    expect(news()).toEqual([]);
    await pass(2_500);
    page('published');
    expect(news()).toEqual(['invite_phase_seconds recover 2.5', `recoveries_total ${cause} 1`]);
  });

  it('is counted each time, by its own cause', async () => {
    await becomePublished();
    for (const state of ['reconnecting', 'publishing'] as const) {
      page(state);
      page('published');
    }
    expect(news().filter((line) => line.startsWith('recoveries'))).toEqual([
      'recoveries_total stage 1',
      'recoveries_total media 1',
    ]);
  });

  it('that comes to nothing is a failure, and no recovery', async () => {
    await becomePublished();
    lost();
    await pass(PARTICIPANT_DELAYS.recoverTimeout + 5_000);
    expect(news()).toEqual(['invite_phase_seconds leave 5', 'failures_total participant PAGE_LOST 1']);
  });
});

describe('A failure', () => {
  it('of the preparation is counted by its code and origin, without a time of the phase', async () => {
    prepare = () => {
      throw new FailureError(failure('STAGE_NOT_FOUND', 'There is no stage.'));
    };
    becomeFree();
    invite();
    await pass(100);
    expect([news(), places]).toEqual([
      ['invites_total 1', 'failures_total caller STAGE_NOT_FOUND 1'],
      { free: 0, taken: 1 },
    ]);
    told('ERRORED');
    expect([news(), places]).toEqual([[], { free: 1, taken: 0 }]);
  });

  it('that the page tells is counted once, however often it tells it', async () => {
    await becomePublished();
    page('failed', 'PUBLISH_FAILED');
    page('failed', 'PUBLISH_FAILED');
    expect(news()).toEqual(['failures_total network PUBLISH_FAILED 1']);
  });
});

describe('A place', () => {
  it('is neither free nor taken before page and control plane are there, and when either is gone', () => {
    expect(places).toEqual({ free: 0, taken: 0 });
    becomeFree();
    expect(places).toEqual({ free: 1, taken: 0 });
    actor.send({ type: 'page.lost', reason: 'PAGE_LOST' });
    expect(places).toEqual({ free: 0, taken: 0 });
    actor.send({ type: 'page.ready' });
    actor.send({ type: 'control.offline' });
    expect(places).toEqual({ free: 0, taken: 0 });
  });

  it('is taken from the invite on, with the control plane or without', async () => {
    await becomePublished();
    expect(places).toEqual({ free: 0, taken: 1 });
    actor.send({ type: 'control.offline' });
    expect(places).toEqual({ free: 0, taken: 1 });
    kick();
    expect(places).toEqual({ free: 0, taken: 1 });
  });

  it('is neither once it is drained', () => {
    becomeFree();
    actor.send({ type: 'drain', reason: 'SIGTERM' });
    expect(places).toEqual({ free: 0, taken: 0 });
  });
});

describe('Frames and bytes', () => {
  function stats(frames: number, bytes: number, of: Pick<VpStats, 'epoch' | 'pageId'> = { epoch: 1, pageId: 'a' }) {
    const rest = { participantId: null, fps: 30, mediaTimeMs: 0, loops: 0, rejoins: 0 };
    observer.onStats({ type: 'vp.stats', state: 'published', frames, bytes, ...rest, ...of });
    return news();
  }

  it('are counted by what was added since the last look', () => {
    expect(stats(30, 1_000)).toEqual(['frames_total 30', 'bytes_total 1000']);
    expect(stats(90, 1_500)).toEqual(['frames_total 60', 'bytes_total 500']);
    expect(stats(90, 1_500)).toEqual(['frames_total 0', 'bytes_total 0']);
  });

  it.each([
    ['session', { epoch: 2, pageId: 'a' }],
    ['page', { epoch: 1, pageId: 'b' }],
  ])('begin anew with another %s, also where it has sent more already', (_, other) => {
    stats(30, 1_000);
    expect(stats(40, 2_000, other)).toEqual(['frames_total 40', 'bytes_total 2000']);
    expect(stats(41, 2_010, other)).toEqual(['frames_total 1', 'bytes_total 10']);
  });

  it('never go down, and are not counted twice, when a session is over', () => {
    stats(30, 1_000);
    expect(stats(0, 0)).toEqual(['frames_total 0', 'bytes_total 0']);
    expect(stats(5, 100)).toEqual(['frames_total 5', 'bytes_total 100']);
  });
});
