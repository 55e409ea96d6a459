import { jest } from '@jest/globals';
import { createActor, toPromise } from 'xstate';
import { FailureError, failure } from '../../machines/failures.ts';
import { PARTICIPANT_DELAYS, type ParticipantInvite } from '../../machines/participant.ts';
import type { Asset } from '../../machines/protocol.ts';
import { FakeIvs } from '../ivs/testing/fake-ivs.ts';
import { enforceLeaveActor, LEAVE_STEPS_MS, type ParticipantPorts, prepareActor } from './actors.ts';

const ASSET: Asset = { url: 'http://127.0.0.1:3000/assets/a.mp4', name: 'a.mp4', loop: true };
const INVITE: ParticipantInvite = {
  epoch: 1,
  stageArn: 'arn',
  assetName: 'a.mp4',
  loop: false,
  userId: null,
  attributes: { role: 'host' },
  maxDurationSeconds: null,
};
const pass = (timeMs: number) => jest.advanceTimersByTimeAsync(timeMs);

let ivs: FakeIvs;
/** What was done, with the time since the test began. */
let done: string[];
let ports: ParticipantPorts;

beforeEach(() => {
  jest.useFakeTimers();
  ivs = new FakeIvs();
  done = [];
  const beganMs = Date.now();
  const note = (what: string) => done.push(`${Date.now() - beganMs} ${what}`);
  ports = {
    vpId: 'vp-1',
    ivs: {
      prepareToken: (request, signal) => ivs.prepareToken(request, signal),
      disconnect(request, signal) {
        note('disconnect');
        return ivs.disconnect(request, signal);
      },
    },
    assets: { resolve: async () => ASSET },
    page: {
      reload: async () => void note('reload'),
      kill: async () => void note('kill'),
    },
    onProblem: (what, error) => note(`${what}: ${error instanceof Error ? error.message : error}`),
  };
});
afterEach(() => void jest.useRealTimers());

function prepare(invite: ParticipantInvite | null = INVITE) {
  const actor = createActor(prepareActor(ports), { input: { invite } });
  actor.subscribe({ error: () => {} });
  return { stop: () => actor.start().stop(), outcome: () => toPromise(actor.start()) };
}

describe('prepare', () => {
  it('gives the token and the asset, which loops as the invite says', async () => {
    expect(await prepare().outcome()).toEqual({
      participantToken: 'token-1',
      participantId: 'participant-1',
      asset: { ...ASSET, loop: false },
    });
    expect(ivs.calls).toEqual([
      { operation: 'prepareToken', vpId: 'vp-1', stageArn: 'arn', userId: null, attributes: { role: 'host' } },
    ]);
  });

  it('gives no asset where the page is to make its picture itself', async () => {
    ports.assets.resolve = async () => null;
    expect(await prepare().outcome()).toEqual({
      participantToken: 'token-1',
      participantId: 'participant-1',
      asset: null,
    });
  });

  it('fetches both at the same time', () => {
    ivs.hold();
    ports.assets.resolve = async (name) => {
      done.push(`resolve ${name}`);
      return ASSET;
    };
    const { stop } = prepare();
    stop();
    expect([ivs.calls.length, done]).toEqual([1, ['resolve a.mp4']]);
  });

  it('aborts both when it is stopped, and says nothing of that', async () => {
    ivs.hold();
    const signals: AbortSignal[] = [];
    const { prepareToken } = ports.ivs;
    ports.ivs.prepareToken = (request, signal) => {
      signals.push(signal);
      return prepareToken(request, signal);
    };
    ports.assets.resolve = (_, signal) => {
      signals.push(signal);
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    };
    prepare().stop();
    await pass(0);
    expect([signals.map(({ aborted }) => aborted), done]).toEqual([[true, true], []]);
  });

  it('fails with the failure of IVS or of the assets as it is', async () => {
    const missing = new FailureError(failure('ASSET_NOT_FOUND', 'There is no asset "a.mp4".'));
    ports.assets.resolve = async () => {
      throw missing;
    };
    await expect(prepare().outcome()).rejects.toBe(missing);
    expect(done).toEqual([]);
  });

  it('tells the log what lies behind a failure', async () => {
    ivs.failure = new FailureError(failure('AWS_NOT_ALLOWED', 'AWS does not allow it.'), {
      cause: new Error('denied'),
    });
    await expect(prepare().outcome()).rejects.toBe(ivs.failure);
    expect(done).toEqual(['0 prepare: AWS does not allow it.']);
  });

  it('fails with PREPARE_FAILED on anything else, of which only the log has the words', async () => {
    ivs.failure = new Error('a secret');
    await expect(prepare().outcome()).rejects.toMatchObject({
      failure: failure(
        'PREPARE_FAILED',
        'Token and asset could not be made ready; the log of the virtual participant says why.',
      ),
      cause: ivs.failure,
    });
    expect(done).toEqual(['0 prepare: a secret']);
  });

  it('fails without an invite', async () => {
    await expect(prepare(null).outcome()).rejects.toThrow('There is no invite to prepare.');
  });
});

describe('enforceLeave', () => {
  function enforceLeave(participantId: string | null = 'p1', stageArn: string | null = 'arn') {
    const actor = createActor(enforceLeaveActor(ports), { input: { participantId, stageArn } });
    actor.subscribe({ error: () => {} });
    actor.start();
    return { stop: () => actor.stop(), status: () => actor.getSnapshot().status };
  }

  it('leaves the page a second, then has IVS disconnect the participant, and is over', async () => {
    const leave = enforceLeave();
    await pass(999);
    expect(done).toEqual([]);
    await pass(1);
    expect([done, leave.status(), ivs.calls]).toEqual([
      ['1000 disconnect'],
      'done',
      [
        {
          operation: 'disconnect',
          stageArn: 'arn',
          participantId: 'p1',
          reason: 'The page did not leave in time.',
        },
      ],
    ]);
  });

  it('reloads the page where IVS fails, and kills it 4 s later', async () => {
    ivs.failure = new Error('no');
    const leave = enforceLeave();
    await pass(60_000);
    expect([done, leave.status()]).toEqual([
      ['1000 disconnect', '1000 disconnect: no', '1000 reload', '5000 kill'],
      'done',
    ]);
  });

  it('waits for IVS for 3 s at most', async () => {
    ivs.hold();
    const leave = enforceLeave();
    await pass(60_000);
    expect([done, leave.status()]).toEqual([
      ['1000 disconnect', '4000 disconnect: There was no answer within 3000 ms.', '4000 reload', '8000 kill'],
      'done',
    ]);
  });

  it.each([
    ['the participant', null, 'arn'],
    ['the stage', 'p1', null],
  ])('asks IVS nothing where %s is not known', async (_, participantId, stageArn) => {
    const leave = enforceLeave(participantId, stageArn);
    await pass(60_000);
    expect([done, leave.status()]).toEqual([['1000 reload', '5000 kill'], 'done']);
  });

  it.each([
    ['hangs', () => new Promise<void>(() => {}), []],
    ['fails', () => Promise.reject(new Error('crashed')), ['1000 reload: crashed']],
  ])('kills a page whose reload %s no later', async (_, reload, said) => {
    ports.page.reload = reload;
    const leave = enforceLeave(null);
    await pass(60_000);
    expect([done, leave.status()]).toEqual([[...said, '5000 kill'], 'done']);
  });

  it('has every step done within the time that the machine gives to leaving', () => {
    const totalMs = Object.values(LEAVE_STEPS_MS).reduce<number>((sum, stepMs) => sum + stepMs, 0);
    expect(totalMs).toBeLessThan(PARTICIPANT_DELAYS.leaveTimeout);
  });

  it('fails where the page cannot be killed', async () => {
    ports.page.kill = () => Promise.reject(new Error('no'));
    const leave = enforceLeave(null);
    await pass(60_000);
    expect(leave.status()).toBe('error');
  });

  it.each([
    ['before the page has had its second', 500, []],
    ['while IVS is asked', 2_000, ['1000 disconnect']],
    [
      'before the page is killed',
      6_000,
      ['1000 disconnect', '4000 disconnect: There was no answer within 3000 ms.', '4000 reload'],
    ],
  ])('does nothing more when it is stopped %s', async (_, atMs, before) => {
    ivs.hold();
    const leave = enforceLeave();
    await pass(atMs);
    leave.stop();
    await pass(60_000);
    expect([done, jest.getTimerCount()]).toEqual([before, 0]);
  });
});
