import { jest } from '@jest/globals';
import { FailureError, failure } from '../../machines/failures.ts';
import { PARTICIPANT_DELAYS, type PageReport } from '../../machines/participant.ts';
import type { Report } from '../appsync/control-plane.ts';
import { FakeControlPlane } from '../appsync/testing/fake-control-plane.ts';
import { FakeIvs } from '../ivs/testing/fake-ivs.ts';
import { type Participant, startParticipant } from './participant.ts';

const STAGE = 'arn:aws:ivs:eu-west-1:123456789012:stage/abcdefghijkl';
const pass = (timeMs: number) => jest.advanceTimersByTimeAsync(timeMs);

let control: FakeControlPlane;
let ivs: FakeIvs;
let participant: Participant;
/** What was done to the page, logged and told besides reports, in order. */
let told: string[];
let states: string[];

beforeEach(() => {
  jest.useFakeTimers();
  control = new FakeControlPlane();
  ivs = new FakeIvs();
  told = [];
  states = [];
  participant = startParticipant({
    vpId: 'vp-1',
    control,
    ivs,
    assets: {
      resolve: async (name) => ({ url: `http://127.0.0.1/assets/${name}`, name: name ?? 'default', loop: true }),
    },
    page: {
      reload: async () => void told.push('reload'),
      kill: async () => void told.push('kill'),
    },
    onProblem: (what) => told.push(`problem: ${what}`),
    onOwnerLost: () => told.push('owner lost'),
    onStatus: ({ status, epoch }) => told.push(`${status} ${epoch}`),
    onState: (state) => {
      if (state !== states.at(-1)) states.push(state);
    },
  });
});
afterEach(() => {
  participant.actor.stop();
  jest.useRealTimers();
});

/** As the control plane is told: `PUBLISHED 1`. */
const reports = () => control.reports.map(({ status, epoch }) => `${status} ${epoch}`);
const page = (state: PageReport['state'], fields: Partial<PageReport> = {}) => {
  const { epoch } = participant.actor.getSnapshot().context;
  const report = { epoch, state, participantId: null, reason: null, failure: null, tellsMedia: true, ...fields };
  participant.actor.send({ type: 'page.reported', report });
};

async function becomeAvailable(): Promise<void> {
  participant.actor.send({ type: 'page.loading' });
  participant.actor.send({ type: 'page.ready' });
  control.goOnline();
  await pass(0);
}

async function becomePublished(): Promise<void> {
  await becomeAvailable();
  control.invite();
  await pass(0);
  page('joined', { participantId: 'participant-1' });
  page('published', { participantId: 'participant-1' });
  await pass(0);
}

describe('A participant', () => {
  it('reports AVAILABLE once both the page and the control plane are there', async () => {
    control.goOnline();
    expect([reports(), participant.isOnline()]).toEqual([[], true]);
    participant.actor.send({ type: 'page.ready' });
    expect(reports()).toEqual(['AVAILABLE 0']);
  });

  it('is online only while the control plane is', async () => {
    control.goOnline();
    control.goOffline();
    expect(participant.isOnline()).toBe(false);
  });

  it('tells who runs it that its id was taken over', async () => {
    control.loseOwner();
    expect(told).toEqual(['owner lost']);
  });

  it('takes an invite, and reports what the page says of it', async () => {
    await becomePublished();
    control.change({ status: 'PUBLISHED' });
    page('reconnecting');
    page('published', { participantId: 'participant-1' });
    expect(reports()).toEqual(['AVAILABLE 0', 'CONNECTED 1', 'PUBLISHED 1', 'INVITED 1', 'PUBLISHED 1']);
    expect(states).toEqual([
      'available',
      'active.invited.preparing',
      'active.invited.joining',
      'active.connected',
      'active.published',
      'active.recovering',
      'active.published',
    ]);
  });

  it('asks IVS for a token as the invite says', async () => {
    await becomeAvailable();
    control.invite({ userId: 'ada', attributes: { role: 'host' } });
    await pass(0);
    expect(ivs.calls).toEqual([
      { operation: 'prepareToken', vpId: 'vp-1', stageArn: STAGE, userId: 'ada', attributes: { role: 'host' } },
    ]);
  });

  it('takes an invite once, however often the record comes', async () => {
    await becomeAvailable();
    control.invite();
    control.change({});
    await pass(0);
    control.change({});
    expect(ivs.calls.length).toBe(1);
  });

  it('reports the source with PUBLISHED, and again when it changes, and with nothing else', async () => {
    participant.noteSource('capture');
    await becomePublished();
    participant.noteSource('pattern');
    participant.noteSource('pattern');
    expect(control.reports.map(({ status, source }) => [status, source])).toEqual([
      ['AVAILABLE', null],
      ['CONNECTED', null],
      ['PUBLISHED', 'capture'],
      ['PUBLISHED', 'pattern'],
    ]);
  });

  it('reports again what the record does not say', async () => {
    await becomePublished();
    const before = control.reports.length;
    control.change({ status: 'PUBLISHED' });
    control.change({ status: 'CONNECTED' });
    expect(reports().slice(before)).toEqual(['PUBLISHED 1']);
  });
});

describe('A kick', () => {
  it('has the page leave, and the participant is available when it has', async () => {
    await becomePublished();
    control.kick('KICKED');
    expect(states.at(-1)).toBe('leaving');
    page('idle', { reason: 'KICKED' });
    expect([reports().slice(-2), states.at(-1)]).toEqual([['PUBLISHED 1', 'AVAILABLE 1'], 'available']);
  });

  it('of an epoch that was never seen as an invite is answered with AVAILABLE of that epoch', async () => {
    await becomeAvailable();
    control.change({ status: 'KICKED', epoch: 7, stageArn: STAGE, reason: 'KICKED' });
    expect([reports(), ivs.calls]).toEqual([['AVAILABLE 0', 'AVAILABLE 7'], []]);
  });

  it('of an epoch that is over is answered again', async () => {
    await becomeAvailable();
    control.change({ status: 'KICKED', epoch: 7 });
    control.change({ status: 'KICKED', epoch: 7 });
    expect(reports()).toEqual(['AVAILABLE 0', 'AVAILABLE 7', 'AVAILABLE 7']);
  });

  it('aborts the preparation', async () => {
    await becomeAvailable();
    ivs.hold();
    const signals: AbortSignal[] = [];
    jest.spyOn(ivs, 'prepareToken').mockImplementationOnce((_, signal) => {
      signals.push(signal);
      return new Promise(() => {});
    });
    control.invite();
    control.kick();
    await pass(0);
    expect([signals.map(({ aborted }) => aborted), reports(), told]).toEqual([
      [true],
      ['AVAILABLE 0', 'AVAILABLE 1'],
      ['AVAILABLE 0', 'AVAILABLE 1'],
    ]);
  });

  it('of a page that is silent has IVS disconnect the participant', async () => {
    await becomePublished();
    control.kick();
    await pass(1_000);
    expect([ivs.calls.at(-1), reports().at(-1)]).toEqual([
      {
        operation: 'disconnect',
        stageArn: STAGE,
        participantId: 'participant-1',
        reason: 'The page did not leave in time.',
      },
      'AVAILABLE 1',
    ]);
  });

  it('of a page that is silent, with IVS out of reach, reloads and then kills the page', async () => {
    await becomePublished();
    ivs.failure = new Error('unreachable');
    control.kick();
    await pass(PARTICIPANT_DELAYS.leaveTimeout);
    expect(told.slice(-4)).toEqual(['problem: disconnect', 'reload', 'kill', 'AVAILABLE 1']);
  });

  it('needs nothing of that where the page leaves in time', async () => {
    await becomePublished();
    control.kick();
    page('idle');
    await pass(60_000);
    expect([ivs.calls.length, told.includes('reload')]).toEqual([1, false]);
  });
});

describe('An invite', () => {
  it('that comes while the last one is still leaving is taken afterwards', async () => {
    await becomePublished();
    control.kick();
    control.invite();
    await pass(0);
    expect([states.at(-1), ivs.calls.length]).toEqual(['leaving', 1]);
    page('idle', { epoch: 1 });
    await pass(0);
    expect([states.at(-1), ivs.calls.length, participant.actor.getSnapshot().context.epoch]).toEqual([
      'active.invited.joining',
      2,
      2,
    ]);
  });

  it('that supersedes one that is published is taken when that was left', async () => {
    await becomePublished();
    control.invite();
    await pass(0);
    page('idle', { epoch: 1 });
    await pass(0);
    expect([states.at(-1), participant.actor.getSnapshot().context.epoch]).toEqual(['active.invited.joining', 2]);
  });

  it('that was kicked while the last one was still leaving is not taken', async () => {
    await becomePublished();
    control.kick();
    control.invite();
    control.kick();
    page('idle', { epoch: 2 });
    await pass(0);
    expect([states.at(-1), ivs.calls.length, reports().slice(-2)]).toEqual([
      'available',
      1,
      ['PUBLISHED 1', 'AVAILABLE 2'],
    ]);
  });

  it.each([
    ['of IVS as it is', new FailureError(failure('STAGE_NOT_FOUND', 'There is no stage.')), 'STAGE_NOT_FOUND'],
    ['that nobody foresaw as PREPARE_FAILED', new Error('a secret'), 'PREPARE_FAILED'],
  ])('ends in ERRORED with a failure %s, and the place is free once that was taken', async (_, error, code) => {
    await becomeAvailable();
    control.outcome = null;
    ivs.failure = error;
    control.invite();
    await pass(0);
    const errored = control.reports.at(-1) as Report;
    expect([errored.status, errored.epoch, errored.failure?.code, errored.reason]).toEqual(['ERRORED', 1, code, code]);
    expect(JSON.stringify(errored)).not.toContain('a secret');
    control.settle('taken');
    await pass(0);
    expect(states.at(-1)).toBe('available');
  });

  it('that the page failed ends in ERRORED with the failure that the page told', async () => {
    await becomePublished();
    const lost = failure('JOIN_FAILED', 'The stage could not be joined.');
    page('failed', { failure: lost, reason: 'JOIN_FAILED' });
    await pass(0);
    expect(control.reports.find(({ status }) => status === 'ERRORED')?.failure).toEqual(lost);
    expect(reports().at(-1)).toBe('AVAILABLE 1');
  });
});

describe('drain()', () => {
  it('of a free participant reports STOPPED', async () => {
    await becomeAvailable();
    await participant.drain('SIGTERM');
    expect([reports(), participant.isDraining()]).toEqual([['AVAILABLE 0', 'STOPPED 0'], true]);
  });

  it('leaves the stage first', async () => {
    await becomePublished();
    const drained = participant.drain('SIGTERM');
    expect([states.at(-1), participant.isDraining()]).toEqual(['leaving', true]);
    page('idle');
    await drained;
    expect(reports().at(-1)).toBe('STOPPED 1');
  });

  it('resolves no sooner than STOPPED was taken', async () => {
    await becomeAvailable();
    control.outcome = null;
    let isOver = false;
    const drained = participant.drain('SIGTERM').then(() => {
      isOver = true;
    });
    await pass(2_999);
    expect([isOver, reports().at(-1)]).toEqual([false, 'STOPPED 0']);
    control.settle('taken');
    await drained;
  });

  it('waits for that for 3 s at most', async () => {
    await becomeAvailable();
    control.outcome = null;
    const drained = participant.drain('SIGTERM');
    await pass(3_000);
    await drained;
    expect(jest.getTimerCount()).toBe(0);
  });

  it('ends after its deadline, whatever the page does', async () => {
    await becomePublished();
    ivs.hold();
    const drained = participant.drain('SIGTERM');
    await pass(PARTICIPANT_DELAYS.drainTimeout);
    await drained;
    expect(reports().at(-1)).toBe('STOPPED 1');
  });

  it('takes no invite any more', async () => {
    await becomePublished();
    const drained = participant.drain('SIGTERM');
    control.invite();
    page('idle', { epoch: 1 });
    await drained;
    expect([ivs.calls.length, reports().at(-1)]).toEqual([1, 'STOPPED 2']);
  });

  it('of a participant on the stage tells with STOPPED that the invite was cut off', async () => {
    await becomePublished();
    control.change({ status: 'PUBLISHED' });
    const drained = participant.drain('SIGTERM');
    page('idle');
    await drained;
    const { status, epoch, reason, failure: why } = control.reports.at(-1) as Report;
    expect([status, epoch, reason, why?.code, why?.retryable]).toEqual(['STOPPED', 1, 'DRAINED', 'DRAINED', true]);
  });

  it('of one that was kicked before blames nobody', async () => {
    await becomePublished();
    control.kick();
    const drained = participant.drain('SIGTERM');
    page('idle');
    await drained;
    expect(control.reports.at(-1)).toMatchObject({ status: 'STOPPED', reason: 'KICKED', failure: null });
  });

  it('tells STOPPED again for an invite that claimed it at the same moment, so that its caller knows', async () => {
    await becomeAvailable();
    control.outcome = null;
    let isOver = false;
    const drained = participant.drain('SIGTERM').then(() => {
      isOver = true;
    });
    control.settle('stale');
    await pass(50);
    expect([isOver, reports().at(-1)]).toEqual([false, 'STOPPED 0']);
    control.invite();
    await pass(0);
    expect(reports().at(-1)).toBe('STOPPED 1');
    expect(control.reports.at(-1)?.failure?.code).toBe('DRAINED');
    control.settle('taken');
    await drained;
    expect(isOver).toBe(true);
  });

  it('waits for no record of an id that was taken over', async () => {
    await becomeAvailable();
    control.outcome = 'stale';
    control.loseOwner();
    await participant.drain('REPLACED');
    expect(jest.getTimerCount()).toBe(0);
  });
});
