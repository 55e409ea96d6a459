import { jest } from '@jest/globals';
import { failure } from '../../machines/failures.ts';
import type { VpStatus } from '../../machines/status.ts';
import { AppSyncError, errorOfType, unreachable } from './errors.ts';
import type { VpRecord } from './record.ts';
import { parseRecord } from './record.ts';
import { type Report, ReportQueue } from './reports.ts';
import { emptyRecord, FakeAppSyncClient } from './testing/fake-client.ts';

const timeout = unreachable('TIMEOUT', 'There was no answer in time.');
const broken = failure('JOIN_FAILED', 'The stage could not be joined.');
const pass = (timeMs: number) => jest.advanceTimersByTimeAsync(timeMs);

const report = (status: VpStatus, epoch = 1, fields: Partial<Report> = {}): Report => ({
  status,
  epoch,
  participantId: null,
  reason: null,
  failure: status === 'ERRORED' ? broken : null,
  ...fields,
});

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** A queue over a record that says `status` at epoch 1. */
function stand(status: VpStatus | null) {
  const api = new FakeAppSyncClient();
  let known: VpRecord | null = null;
  const failed: string[] = [];
  const queue = new ReportQueue({
    async send(input) {
      const data = await api.request('{ reportVirtualParticipant(', { input: { ...input, owner: api.owner } });
      known = parseRecord(data['reportVirtualParticipant']);
    },
    known: () => known,
    onFailed: ({ code }) => failed.push(code),
    random: () => 1,
  });
  api.owner = 'owner-1';
  api.record = { ...emptyRecord('vp-1'), status, epoch: 1, version: 1 };
  known = api.record;
  const outcomes: string[] = [];
  const add = (told: Report) => {
    void queue.add(told).then((outcome) => outcomes.push(`${told.status} ${outcome}`));
  };
  return { api, queue, add, outcomes, failed };
}

describe('ReportQueue', () => {
  test('tells reports in their order, each with the next number', async () => {
    const { api, queue, add, outcomes } = stand('INVITED');
    queue.begin(1);
    for (const status of ['CONNECTED', 'PUBLISHED', 'CONNECTED', 'INVITED'] as const) {
      add(report(status));
      await pass(0);
    }
    expect([api.requests, api.sequences, outcomes]).toEqual([
      ['report CONNECTED 1', 'report PUBLISHED 1', 'report CONNECTED 1', 'report INVITED 1'],
      [1, 2, 3, 4],
      ['CONNECTED taken', 'PUBLISHED taken', 'CONNECTED taken', 'INVITED taken'],
    ]);
  });

  test('tells CONNECTED before PUBLISHED when the record says INVITED', async () => {
    const { api, queue, add, outcomes } = stand('INVITED');
    queue.begin(1);
    add(report('PUBLISHED', 1, { participantId: 'p1', reason: 'MEDIA' }));
    await pass(0);
    expect([api.requests, outcomes, api.record?.participantId, api.record?.reason]).toEqual([
      ['report CONNECTED 1', 'report PUBLISHED 1'],
      ['PUBLISHED taken'],
      'p1',
      'MEDIA',
    ]);
  });

  test('sends nothing before the registration, and what came last of what waited for it', async () => {
    const { api, queue, add, outcomes } = stand(null);
    add(report('AVAILABLE', 0));
    add(report('STOPPED', 0));
    await pass(60_000);
    expect(api.requests).toEqual([]);
    queue.begin(1);
    await pass(0);
    expect([api.requests, outcomes]).toEqual([['report STOPPED 1'], ['AVAILABLE superseded', 'STOPPED taken']]);
  });

  test('takes the registered epoch for what is told before the first invite', async () => {
    const { api, queue, add } = stand('STOPPED');
    queue.begin(1);
    add(report('AVAILABLE', 0));
    await pass(0);
    expect(api.requests).toEqual(['report AVAILABLE 1']);
  });

  test('tries the same number again, with growing waits, until it is taken', async () => {
    const { api, queue, add, outcomes, failed } = stand('INVITED');
    queue.begin(1);
    api.failure = timeout;
    add(report('CONNECTED'));
    await pass(499);
    expect(api.sequences).toEqual([1]);
    await pass(1);
    await pass(1_000);
    api.failure = null;
    await pass(2_000);
    expect([api.sequences, outcomes, failed]).toEqual([
      [1, 1, 1, 1],
      ['CONNECTED taken'],
      ['TIMEOUT', 'TIMEOUT', 'TIMEOUT'],
    ]);
  });

  test('tries again at once when it is woken', async () => {
    const { api, queue, add, outcomes } = stand('INVITED');
    queue.begin(1);
    api.failure = timeout;
    add(report('CONNECTED'));
    await pass(0);
    api.failure = null;
    queue.wake();
    await pass(0);
    expect([outcomes, jest.getTimerCount()]).toEqual([['CONNECTED taken'], 0]);
  });

  test('drops what waits for a newer report', async () => {
    const { api, queue, add, outcomes } = stand('CONNECTED');
    queue.begin(1);
    api.failure = timeout;
    add(report('PUBLISHED'));
    await pass(0);
    add(report('CONNECTED'));
    await pass(0);
    add(report('INVITED'));
    api.failure = null;
    await pass(2_000);
    expect([outcomes, api.record?.status]).toEqual([
      ['PUBLISHED superseded', 'CONNECTED superseded', 'INVITED taken'],
      'INVITED',
    ]);
  });

  test('drops what was being sent when a newer report came, if it failed', async () => {
    const { api, queue, add, outcomes } = stand('INVITED');
    queue.begin(1);
    api.hold();
    add(report('CONNECTED'));
    await pass(0);
    add(report('KICKED'));
    api.failure = timeout;
    api.release();
    await pass(0);
    api.failure = null;
    await pass(500);
    expect([outcomes, api.requests]).toEqual([
      ['CONNECTED superseded', 'KICKED taken'],
      ['report CONNECTED 1', 'report KICKED 1'],
    ]);
  });

  test('tells why an invite ended although it is over when that can be told', async () => {
    const { api, queue, add, outcomes } = stand('INVITED');
    queue.begin(1);
    api.failure = timeout;
    add(report('ERRORED'));
    await pass(5_000);
    api.requests.length = 0;
    api.failure = null;
    add(report('AVAILABLE'));
    add(report('STOPPED'));
    queue.wake();
    await pass(0);
    expect([outcomes, api.requests]).toEqual([
      ['AVAILABLE superseded', 'ERRORED taken', 'STOPPED taken'],
      ['report ERRORED 1', 'report STOPPED 1'],
    ]);
  });

  test('joins a report to an equal one that waits', async () => {
    const { api, queue, add, outcomes } = stand('INVITED');
    queue.begin(1);
    api.hold();
    add(report('ERRORED'));
    add(report('ERRORED'));
    await pass(0);
    add(report('ERRORED'));
    api.release();
    await pass(0);
    expect([api.requests, outcomes]).toEqual([
      ['report ERRORED 1'],
      ['ERRORED taken', 'ERRORED taken', 'ERRORED taken'],
    ]);
  });

  test('sends nothing that the record says already', async () => {
    const { api, queue, add, outcomes } = stand('AVAILABLE');
    queue.begin(1);
    add(report('AVAILABLE', 1, { participantId: 'of the last invite' }));
    await pass(0);
    expect([api.requests, outcomes]).toEqual([[], ['AVAILABLE taken']]);
  });

  test.each([
    ['reason', { reason: 'MEDIA_STOPPED' }],
    ['participantId', { participantId: 'p2' }],
    ['source', { source: 'capture' }],
  ])('sends a status again when its %s is new', async (_, fields) => {
    const { api, queue, add } = stand('CONNECTED');
    queue.begin(1);
    add(report('CONNECTED', 1, fields));
    await pass(0);
    expect(api.requests).toEqual(['report CONNECTED 1']);
  });

  test('sends what the record says already when the one before may have changed it', async () => {
    const { api, queue, add, outcomes } = stand('CONNECTED');
    queue.begin(1);
    api.losesAnswer = true;
    add(report('PUBLISHED'));
    await pass(0);
    expect(api.record?.status).toBe('PUBLISHED');
    add(report('CONNECTED'));
    await pass(0);
    expect([outcomes, api.record?.status]).toEqual([['PUBLISHED superseded', 'CONNECTED taken'], 'CONNECTED']);
  });

  test('sends a report of an ended epoch to nobody', async () => {
    const { api, queue, add, outcomes } = stand('INVITED');
    api.change({ epoch: 2 });
    queue.begin(0);
    add(report('CONNECTED', 1));
    await pass(0);
    expect([api.requests, outcomes]).toEqual([['report CONNECTED 1'], ['CONNECTED stale']]);
    add(report('CONNECTED', 0));
    await pass(0);
    expect([api.requests, outcomes]).toEqual([['report CONNECTED 1'], ['CONNECTED stale', 'CONNECTED stale']]);
  });

  test('gives up what a kick has overtaken', async () => {
    const { api, queue, add, outcomes } = stand('INVITED');
    queue.begin(1);
    api.change({ status: 'KICKED' });
    add(report('PUBLISHED'));
    await pass(0);
    add(report('AVAILABLE'));
    await pass(0);
    expect([api.requests, outcomes]).toEqual([
      ['report CONNECTED 1', 'report AVAILABLE 1'],
      ['PUBLISHED refused', 'AVAILABLE taken'],
    ]);
  });

  test('goes on from what a refusal says of the record', async () => {
    const { api, queue, add, outcomes } = stand('CONNECTED');
    queue.begin(1);
    api.change({ status: 'INVITED' });
    add(report('PUBLISHED'));
    await pass(0);
    expect([api.requests, outcomes]).toEqual([
      ['report PUBLISHED 1', 'report CONNECTED 1', 'report PUBLISHED 1'],
      ['PUBLISHED taken'],
    ]);
  });

  test('knows without asking that only an invite makes INVITED of AVAILABLE', async () => {
    const { api, queue, add, outcomes } = stand('AVAILABLE');
    queue.begin(1);
    add(report('INVITED'));
    await pass(0);
    expect([api.requests, outcomes]).toEqual([[], ['INVITED refused']]);
  });

  test('gives up a report that is refused although the record stands as it is known', async () => {
    const { api, queue, add, outcomes } = stand('INVITED');
    queue.begin(1);
    api.failure = errorOfType('ILLEGAL_TRANSITION', 'No.', { status: 'INVITED', epoch: 1, version: 1 });
    add(report('CONNECTED'));
    await pass(60_000);
    expect([api.requests, outcomes]).toEqual([['report CONNECTED 1'], ['CONNECTED refused']]);
  });

  test.each([
    ['BAD_INPUT', 'refused'],
    ['STALE_OWNER', 'stale'],
    ['NOT_FOUND', 'stale'],
  ])('gives up at %s', async (type, outcome) => {
    const { api, queue, add, outcomes } = stand('INVITED');
    queue.begin(1);
    api.failure = errorOfType(type, 'No.');
    add(report('CONNECTED'));
    await pass(60_000);
    expect([api.requests.length, outcomes]).toEqual([1, [`CONNECTED ${outcome}`]]);
  });

  test.each(['unauthorized', 'failed', 'unreachable'] as const)(
    'tries again after an error that is %s',
    async (kind) => {
      const { api, queue, add, outcomes } = stand('INVITED');
      queue.begin(1);
      api.failure = new AppSyncError(kind, 'X', 'Not now.');
      add(report('CONNECTED'));
      await pass(60_000);
      api.failure = null;
      await pass(30_000);
      expect(outcomes).toEqual(['CONNECTED taken']);
    },
  );

  test('ends what waits when it is closed, and leaves no timer', async () => {
    const { api, queue, add, outcomes } = stand('INVITED');
    queue.begin(1);
    api.failure = timeout;
    add(report('ERRORED'));
    await pass(0);
    add(report('AVAILABLE'));
    queue.close('closed');
    add(report('STOPPED'));
    await pass(60_000);
    expect([api.requests.length, outcomes, jest.getTimerCount()]).toEqual([
      2,
      ['ERRORED closed', 'AVAILABLE closed', 'STOPPED closed'],
      0,
    ]);
  });
});
