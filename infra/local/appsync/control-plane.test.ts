import { refusalOf, type Vp } from './testing/client.ts';
import { FAILURE, makeAvailable, OWNER, STAGE_ARN, startControlPlane } from './testing/control-plane.ts';

let plane: Awaited<ReturnType<typeof startControlPlane>>;

beforeEach(async () => {
  plane = await startControlPlane();
});

afterEach(() => plane.close());

/** Of a response, what says how the virtual participant stands. */
function stand({ id, status, epoch, version }: Vp) {
  return { id, status, epoch, version };
}

/** Invites until the answer is final: CONTENTION says that candidates were there, but others were faster. */
async function inviteUntilSettled(input: object): Promise<Vp | string> {
  for (let tries = 0; tries < 20; tries += 1) {
    const answer = await plane.caller.invite(input).catch((error) => error.errors[0].errorType);
    if (answer !== 'CONTENTION') return answer;
  }
  throw new Error('Expected an answer other than CONTENTION within 20 tries.');
}

describe('invite', () => {
  test('an invite claims an available one, and answers with the whole record', async () => {
    const { caller, container } = plane;
    await makeAvailable(container, 'vp-1');
    const answer = await caller.invite({
      stageArn: STAGE_ARN,
      assetName: 'counter.mp4',
      loop: false,
      userId: 'user-7',
      attributes: [{ name: 'role', value: 'host' }],
      maxDurationSeconds: 60,
    });
    expect(answer).toEqual({
      __typename: 'VirtualParticipant',
      id: 'vp-1',
      status: 'INVITED',
      epoch: 1,
      version: 3,
      alive: true,
      stageArn: STAGE_ARN,
      participantId: null,
      userId: 'user-7',
      attributes: [{ __typename: 'ParticipantAttribute', name: 'role', value: 'host' }],
      assetName: 'counter.mp4',
      loop: false,
      maxDurationSeconds: 60,
      source: null,
      failure: null,
      reason: null,
      updatedAt: '2026-11-23T12:00:00.000Z',
      lastSeenAt: '2026-11-23T12:00:00.000Z',
    });
    expect(await caller.get('vp-1')).toEqual(answer);
  });

  test('of 12 invites at once for 5 available ones, 5 claim one each and the others get NO_CAPACITY', async () => {
    const ids = ['vp-1', 'vp-2', 'vp-3', 'vp-4', 'vp-5'];
    await Promise.all(ids.map((id) => makeAvailable(plane.container, id)));
    const answers = await Promise.all(Array.from({ length: 12 }, () => inviteUntilSettled({ stageArn: STAGE_ARN })));
    const claimed = answers.filter((answer) => typeof answer === 'object');
    expect(claimed.map(({ id }) => id).sort()).toEqual(ids);
    expect(claimed.map(({ status, epoch }) => [status, epoch])).toEqual(ids.map(() => ['INVITED', 1]));
    expect(answers.filter((answer) => typeof answer === 'string')).toEqual(Array(7).fill('NO_CAPACITY'));
  });

  test('an invite passes over those that were not seen for 30 seconds', async () => {
    const { caller, container, clock } = plane;
    await makeAvailable(container, 'vp-dead');
    clock.nowMs += 30_001;
    expect(await refusalOf(caller.invite({ stageArn: STAGE_ARN }))).toEqual({
      errorType: 'NO_CAPACITY',
      message: 'No virtual participant is available now.',
      errorInfo: { retryable: true },
    });
    expect(await refusalOf(caller.invite({ stageArn: STAGE_ARN, id: 'vp-dead' }))).toEqual({
      errorType: 'NOT_AVAILABLE',
      message: '"vp-dead" is AVAILABLE, but was not seen for 30 seconds.',
      errorInfo: { retryable: false, status: 'AVAILABLE', epoch: 0, version: 2 },
    });
    await container.heartbeat({ id: 'vp-dead', owner: OWNER });
    expect(stand(await caller.invite({ stageArn: STAGE_ARN }))).toEqual({
      id: 'vp-dead',
      status: 'INVITED',
      epoch: 1,
      version: 3,
    });
  });

  test('an invite that names one gets that one, NOT_AVAILABLE with its status, or NOT_FOUND', async () => {
    const { caller, container } = plane;
    await makeAvailable(container, 'vp-1');
    await makeAvailable(container, 'vp-2');
    expect((await caller.invite({ stageArn: STAGE_ARN, id: 'vp-2' }))['id']).toBe('vp-2');
    expect(await refusalOf(caller.invite({ stageArn: STAGE_ARN, id: 'vp-2' }))).toEqual({
      errorType: 'NOT_AVAILABLE',
      message: '"vp-2" is INVITED, not AVAILABLE.',
      errorInfo: { retryable: false, status: 'INVITED', epoch: 1, version: 3 },
    });
    expect(await refusalOf(caller.invite({ stageArn: STAGE_ARN, id: 'vp-3' }))).toEqual({
      errorType: 'NOT_FOUND',
      message: 'No virtual participant "vp-3" is registered.',
      errorInfo: { retryable: false, id: 'vp-3' },
    });
  });

  test('of invites at once for the same one, one claims it and the others get NOT_AVAILABLE', async () => {
    await makeAvailable(plane.container, 'vp-1');
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => inviteUntilSettled({ stageArn: STAGE_ARN, id: 'vp-1' })),
    );
    expect(answers.map((answer) => (typeof answer === 'string' ? answer : answer['status'])).sort()).toEqual([
      'INVITED',
      ...Array(5).fill('NOT_AVAILABLE'),
    ]);
  });
});

describe('clientToken', () => {
  test('invites at once with the same token and input are one invite', async () => {
    await makeAvailable(plane.container, 'vp-1');
    await makeAvailable(plane.container, 'vp-2');
    const input = { stageArn: STAGE_ARN, clientToken: 'order-1' };
    const answers = await Promise.all(Array.from({ length: 6 }, () => inviteUntilSettled(input)));
    const [first] = answers;
    expect(answers).toEqual(Array(6).fill(first));
    expect((await plane.caller.list({ status: 'AVAILABLE' })).items).toHaveLength(1);
  });

  test('a replay answers with the record while the epoch stands, and with the first answer after it', async () => {
    const { caller, container } = plane;
    await makeAvailable(container, 'vp-1');
    const input = { stageArn: STAGE_ARN, clientToken: 'order-1' };
    const first = await caller.invite(input);
    const joined = await container.report({ id: 'vp-1', owner: OWNER, epoch: 1, status: 'CONNECTED' });
    expect(await caller.invite(input)).toEqual(joined);
    await container.report({ id: 'vp-1', owner: OWNER, epoch: 1, status: 'AVAILABLE', reason: 'ENDED' });
    await caller.invite({ stageArn: STAGE_ARN, userId: 'someone-else' });
    expect(await caller.invite(input)).toEqual(first);
  });

  test('a token that comes again with other input gets IDEMPOTENCY_MISMATCH, after 24 hours it is new', async () => {
    const { caller, container, clock } = plane;
    await makeAvailable(container, 'vp-1');
    await makeAvailable(container, 'vp-2');
    await caller.invite({ stageArn: STAGE_ARN, clientToken: 'order-1' });
    expect(await refusalOf(caller.invite({ stageArn: STAGE_ARN, clientToken: 'order-1', assetName: 'b.mp4' }))).toEqual(
      {
        errorType: 'IDEMPOTENCY_MISMATCH',
        message: 'input.clientToken: it came with other input before. Use a new one.',
        errorInfo: { retryable: false },
      },
    );
    clock.nowMs += 24 * 60 * 60 * 1_000 + 1_000;
    await container.heartbeat({ id: 'vp-1', owner: OWNER });
    await container.heartbeat({ id: 'vp-2', owner: OWNER });
    const answer = await caller.invite({ stageArn: STAGE_ARN, clientToken: 'order-1', assetName: 'b.mp4' });
    expect([answer['status'], answer['assetName']]).toEqual(['INVITED', 'b.mp4']);
  });

  test('an invite that is refused leaves its token unused', async () => {
    const { caller, container } = plane;
    const input = { stageArn: STAGE_ARN, clientToken: 'order-1' };
    expect((await refusalOf(caller.invite(input))).errorType).toBe('NO_CAPACITY');
    await makeAvailable(container, 'vp-1');
    expect((await caller.invite(input))['id']).toBe('vp-1');
  });
});

describe('kick', () => {
  test('a kick of an available one, of an ended epoch or of a kicked one is a success that changes nothing', async () => {
    const { caller, container } = plane;
    const available = await makeAvailable(container, 'vp-1');
    expect(await caller.kick({ id: 'vp-1' })).toEqual(available);
    const invited = await caller.invite({ stageArn: STAGE_ARN });
    expect(await caller.kick({ id: 'vp-1', epoch: 0 })).toEqual(invited);
    const kicked = await caller.kick({ id: 'vp-1', epoch: 1, reason: 'Thank you.' });
    expect([kicked['status'], kicked['reason'], kicked['failure']]).toEqual(['KICKED', 'Thank you.', null]);
    expect(await caller.kick({ id: 'vp-1', reason: 'Again.' })).toEqual(kicked);
    const free = await container.report({ id: 'vp-1', owner: OWNER, epoch: 1, status: 'AVAILABLE' });
    expect(await caller.kick({ id: 'vp-1', epoch: 1 })).toEqual(free);
  });

  test('a kick of an epoch that has not come, or of nobody, is refused', async () => {
    await makeAvailable(plane.container, 'vp-1');
    expect(await refusalOf(plane.caller.kick({ id: 'vp-1', epoch: 5 }))).toEqual({
      errorType: 'BAD_INPUT',
      message: 'input.epoch: expected the present epoch, 0, or one before.',
      errorInfo: { retryable: false, field: 'input.epoch', expected: 'the present epoch, 0, or one before' },
    });
    expect((await refusalOf(plane.caller.kick({ id: 'vp-2' }))).errorType).toBe('NOT_FOUND');
  });

  test('a kick ends the invite of one that does not respond, and says so in its failure', async () => {
    const { caller, container, clock } = plane;
    await makeAvailable(container, 'vp-1');
    await caller.invite({ stageArn: STAGE_ARN });
    clock.nowMs += 30_001;
    const kicked = await caller.kick({ id: 'vp-1' });
    expect([kicked['status'], kicked['alive'], kicked['version'], kicked['failure']]).toEqual([
      'KICKED',
      false,
      4,
      {
        __typename: 'Failure',
        code: 'NOT_RESPONDING',
        origin: 'participant',
        retryable: true,
        message: 'The virtual participant was not heard for 30 seconds; the kick ended its invite in its place.',
      },
    ]);
    expect(await caller.kick({ id: 'vp-1' })).toEqual(kicked);
  });

  test('a kick that the container did not live to follow is ended by the next kick', async () => {
    const { caller, container, clock } = plane;
    await makeAvailable(container, 'vp-1');
    await caller.invite({ stageArn: STAGE_ARN });
    await caller.kick({ id: 'vp-1' });
    clock.nowMs += 30_001;
    const kicked = await caller.kick({ id: 'vp-1' });
    expect([kicked['status'], (kicked['failure'] as Vp)['code']]).toEqual(['KICKED', 'NOT_RESPONDING']);
  });

  test('of a kick and a report at once, KICKED stands in the end', async () => {
    const { caller, container } = plane;
    await makeAvailable(container, 'vp-1');
    await caller.invite({ stageArn: STAGE_ARN });
    const connected = { id: 'vp-1', owner: OWNER, epoch: 1, status: 'CONNECTED' };
    await Promise.allSettled([container.report(connected), caller.kick({ id: 'vp-1' }), container.report(connected)]);
    expect((await caller.get('vp-1'))?.['status']).toBe('KICKED');
    expect(await refusalOf(container.report({ ...connected, status: 'INVITED' }))).toMatchObject({
      errorType: 'ILLEGAL_TRANSITION',
      message: '"vp-1" is KICKED: it cannot become INVITED.',
    });
  });
});

describe('register and heartbeat', () => {
  test('a repeat by the owner changes nothing', async () => {
    const first = await makeAvailable(plane.container, 'vp-1');
    expect(await plane.container.register({ id: 'vp-1', owner: OWNER })).toEqual(first);
  });

  test('a new owner cuts off the invite with the next epoch, and the old one is stale from then on', async () => {
    const { caller, container } = plane;
    await makeAvailable(container, 'vp-1');
    await caller.invite({ stageArn: STAGE_ARN });
    const taken = await container.register({ id: 'vp-1', owner: 'another-owner' });
    expect([taken['status'], taken['epoch'], (taken['failure'] as Vp)['code']]).toEqual(['ERRORED', 2, 'REPLACED']);
    const stale = {
      errorType: 'STALE_OWNER',
      message: 'Another process owns "vp-1" now.',
      errorInfo: { retryable: false, status: 'ERRORED', epoch: 2, version: 4 },
    };
    const report = { id: 'vp-1', owner: OWNER, epoch: 1, status: 'PUBLISHED' };
    expect(await refusalOf(container.report(report))).toEqual(stale);
    expect(await refusalOf(container.heartbeat({ id: 'vp-1', owner: OWNER }))).toEqual(stale);
    expect(await refusalOf(container.report({ ...report, owner: 'another-owner' }))).toEqual({
      errorType: 'STALE_EPOCH',
      message: '"vp-1" is at epoch 2 now.',
      errorInfo: { retryable: false, status: 'ERRORED', epoch: 2, version: 4 },
    });
  });

  test('a new owner stops an available one, whose page it does not have, and goes on with its epoch', async () => {
    const { container } = plane;
    await makeAvailable(container, 'vp-1');
    const taken = await container.register({ id: 'vp-1', owner: 'another-owner' });
    expect([taken['status'], taken['reason'], taken['epoch'], taken['alive']]).toEqual([
      'STOPPED',
      'REPLACED',
      0,
      false,
    ]);
  });

  test('of two that register at once, one owns it', async () => {
    const { container } = plane;
    const owners = ['owner-one', 'owner-two'];
    await Promise.allSettled(owners.map((owner) => container.register({ id: 'vp-1', owner })));
    const beats = await Promise.allSettled(owners.map((owner) => container.heartbeat({ id: 'vp-1', owner })));
    expect(beats.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  });

  test('a heartbeat keeps it alive and moves no version', async () => {
    const { caller, container, clock } = plane;
    const { version } = await makeAvailable(container, 'vp-1');
    clock.nowMs += 30_001;
    expect((await caller.get('vp-1'))?.['alive']).toBe(false);
    const beaten = await container.heartbeat({ id: 'vp-1', owner: OWNER });
    expect([beaten['alive'], beaten['version'], beaten['lastSeenAt'], beaten['updatedAt']]).toEqual([
      true,
      version,
      '2026-11-23T12:00:30.001Z',
      '2026-11-23T12:00:00.000Z',
    ]);
    expect((await refusalOf(container.heartbeat({ id: 'vp-2', owner: OWNER }))).errorType).toBe('NOT_FOUND');
  });
});

describe('report', () => {
  const report = { id: 'vp-1', owner: OWNER, epoch: 1 };

  beforeEach(async () => {
    await makeAvailable(plane.container, 'vp-1');
    await plane.caller.invite({ stageArn: STAGE_ARN });
  });

  test('a repeat changes nothing, and news of the same status moves the version', async () => {
    const { container } = plane;
    const first = await container.report({ ...report, status: 'INVITED', participantId: 'p-1', source: 'capture' });
    expect([first['version'], first['participantId'], first['source']]).toEqual([4, 'p-1', 'capture']);
    expect(await container.report({ ...report, status: 'INVITED', participantId: 'p-1' })).toEqual(first);
    expect((await container.report({ ...report, status: 'INVITED', participantId: 'p-2' }))['version']).toBe(5);
  });

  test('a report that comes late or twice changes nothing, by its sequence', async () => {
    const { container } = plane;
    const connected = { ...report, status: 'CONNECTED', sequence: 1 };
    await container.report(connected);
    const published = await container.report({ ...report, status: 'PUBLISHED', sequence: 2 });
    expect(await container.report(connected)).toEqual(published);
    expect(await container.report({ ...report, status: 'PUBLISHED', sequence: 2 })).toEqual(published);
    expect(await container.report({ ...connected, sequence: 2 })).toEqual(published);
    expect((await container.report({ ...report, status: 'CONNECTED', sequence: 3 }))['status']).toBe('CONNECTED');
  });

  test('participantId and source stay for the invite, reason and failure for one report', async () => {
    const { container } = plane;
    await container.report({ ...report, status: 'CONNECTED', participantId: 'p-1', source: 'pattern', reason: 'why' });
    const published = await container.report({ ...report, status: 'PUBLISHED' });
    expect([published['participantId'], published['source'], published['reason']]).toEqual(['p-1', 'pattern', null]);
    const errored = await container.report({ ...report, status: 'ERRORED', failure: FAILURE, reason: FAILURE.code });
    expect([errored['failure'], errored['stageArn']]).toEqual([{ __typename: 'Failure', ...FAILURE }, STAGE_ARN]);
    const free = await container.report({ ...report, status: 'AVAILABLE', reason: 'JOIN_FAILED' });
    const { participantId, source, failure, stageArn, loop, reason } = free;
    expect([participantId, source, failure, stageArn, loop, reason]).toEqual([
      null,
      null,
      null,
      null,
      null,
      'JOIN_FAILED',
    ]);
  });

  test('an asset that has ended makes it AVAILABLE with reason ENDED, from PUBLISHED', async () => {
    const { container } = plane;
    await container.report({ ...report, status: 'CONNECTED' });
    await container.report({ ...report, status: 'PUBLISHED' });
    const ended = await container.report({ ...report, status: 'AVAILABLE', reason: 'ENDED' });
    expect([ended['status'], ended['reason'], ended['epoch']]).toEqual(['AVAILABLE', 'ENDED', 1]);
  });

  test('a report of nobody gets NOT_FOUND', async () => {
    const refusal = await refusalOf(plane.container.report({ ...report, id: 'vp-2', status: 'CONNECTED' }));
    expect(refusal.errorType).toBe('NOT_FOUND');
  });
});

describe('list', () => {
  test('pages follow each other by nextToken, with a status and without', async () => {
    const { caller, container } = plane;
    await Promise.all(['vp-1', 'vp-2', 'vp-3'].map((id) => makeAvailable(container, id)));
    for (const variables of [{ limit: 2 }, { limit: 2, status: 'AVAILABLE' }]) {
      const first = await caller.list(variables);
      const second = await caller.list({ ...variables, nextToken: first.nextToken });
      expect(first.items).toHaveLength(2);
      expect([...first.items, ...second.items].map(({ id }) => id).sort()).toEqual(['vp-1', 'vp-2', 'vp-3']);
      expect(second.nextToken).toBeNull();
    }
    expect((await caller.list({ status: 'KICKED' })).items).toEqual([]);
  });
});

describe('BAD_INPUT', () => {
  const invite = { stageArn: STAGE_ARN };
  const report = { id: 'vp-1', owner: OWNER, epoch: 1, status: 'CONNECTED' };
  test.each([
    ['invite', 'input.stageArn', { stageArn: 'arn:aws:s3:::bucket' }],
    ['invite', 'input.id', { ...invite, id: 'a b' }],
    ['invite', 'input.clientToken', { ...invite, clientToken: 'x'.repeat(65) }],
    ['invite', 'input.assetName', { ...invite, assetName: '' }],
    ['invite', 'input.userId', { ...invite, userId: 'u'.repeat(129) }],
    ['invite', 'input.maxDurationSeconds', { ...invite, maxDurationSeconds: 0 }],
    ['invite', 'input.attributes', { ...invite, attributes: [{ name: 'a', value: 'v'.repeat(1_024) }] }],
    ['invite', 'input.attributes', { ...invite, attributes: [1, 2].map(() => ({ name: 'a', value: '' })) }],
    ['kick', 'input.id', { id: '' }],
    ['kick', 'input.epoch', { id: 'vp-1', epoch: -1 }],
    ['kick', 'input.reason', { id: 'vp-1', reason: 'r'.repeat(257) }],
    ['register', 'input.id', { id: '#', owner: OWNER }],
    ['register', 'input.owner', { id: 'vp-1', owner: 'short' }],
    ['heartbeat', 'input.owner', { id: 'vp-1', owner: 'short' }],
    ['report', 'input.epoch', { ...report, epoch: -1 }],
    ['report', 'input.sequence', { ...report, sequence: 0 }],
    ['report', 'input.failure', { ...report, status: 'ERRORED' }],
  ] as const)('%s names %s', async (call, field, input) => {
    const refusal = await refusalOf(plane.container[call](input));
    expect([refusal.errorType, refusal.errorInfo['field']]).toEqual(['BAD_INPUT', field]);
  });

  test('a report of an epoch that has not come names input.epoch', async () => {
    await makeAvailable(plane.container, 'vp-1');
    const refusal = await refusalOf(plane.container.report(report));
    expect([refusal.errorType, refusal.errorInfo['expected']]).toEqual(['BAD_INPUT', 'the present epoch, 0']);
  });

  test('list names limit', async () => {
    const refusal = await refusalOf(plane.caller.list({ limit: 101 }));
    expect([refusal.errorType, refusal.errorInfo['field']]).toEqual(['BAD_INPUT', 'limit']);
  });
});
