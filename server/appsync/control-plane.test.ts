import { jest } from '@jest/globals';
import type { VpStatus } from '../../machines/status.ts';
import { createControlPlane, DELIVERY_TIMEOUT_MS, HEARTBEAT_INTERVAL_MS } from './control-plane.ts';
import { errorOfType, unauthorized, unreachable } from './errors.ts';
import { READ_INTERVAL_MS } from './reader.ts';
import { FakeAppSyncClient } from './testing/fake-client.ts';

const refused = unreachable('ECONNREFUSED', 'The GraphQL API could not be reached (ECONNREFUSED).');
const lost = unreachable('SUBSCRIPTION_LOST', 'Connection closed');
const pass = (timeMs: number) => jest.advanceTimersByTimeAsync(timeMs);

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function stand({ isAlive = () => true }: { isAlive?: () => boolean } = {}) {
  const api = new FakeAppSyncClient();
  const events: string[] = [];
  const lines: string[] = [];
  const line = (level: string) => (_fields: object, message: string) => void lines.push(`${level} ${message}`);
  const log = { debug: () => {}, info: line('info'), warn: line('warn'), error: line('error') };
  const controlPlane = createControlPlane({ id: 'vp-1', client: api, isAlive, log, owner: 'owner-1', random: () => 1 });
  const start = () =>
    controlPlane.start({
      onOnline: () => events.push('online'),
      onOffline: (reason) => events.push(`offline ${reason}`),
      onRecord: ({ status, epoch, version }) => events.push(`${status} ${epoch} ${version}`),
      onOwnerLost: () => events.push('owner lost'),
    });
  const report = (status: VpStatus, epoch: number) =>
    controlPlane.report({ status, epoch, participantId: null, reason: null, failure: null });
  return { api, controlPlane, start, report, events, lines };
}

async function online() {
  const made = stand();
  made.start();
  await pass(0);
  made.api.subscriber.onReady();
  await pass(0);
  made.api.requests.length = 0;
  made.events.length = 0;
  return made;
}

describe('Control plane', () => {
  test('is online once it is registered, subscribed, and has read the record since', async () => {
    const { api, start, events, lines } = stand();
    start();
    await pass(0);
    expect(events).toEqual(['null 0 1']);
    api.change({ status: 'INVITED', epoch: 1 });
    api.subscriber.onReady();
    await pass(0);
    expect([events, api.requests, lines]).toEqual([
      ['null 0 1', 'INVITED 1 2', 'online'],
      ['register', 'get'],
      ['info Registered "vp-1" at epoch 0.', 'info The control plane is online.'],
    ]);
  });

  test('is not online by a read that began before the subscription was ready', async () => {
    const { api, start, events } = stand();
    start();
    await pass(0);
    api.subscriber.onReady();
    await pass(0);
    api.hold();
    api.subscriber.onDelivery({});
    api.subscriber.onLost(lost);
    api.subscriber.onReady();
    events.length = 0;
    api.release();
    await pass(0);
    expect(events).toEqual(['null 0 1', 'null 0 1', 'online']);
  });

  test('registers until it succeeds, with growing waits, and says so once', async () => {
    const { api, start, events, lines } = stand();
    api.failure = refused;
    start();
    await pass(10_000);
    expect([api.requests, events, lines]).toEqual([
      Array(5).fill('register'),
      [],
      ['warn Not registered: The GraphQL API could not be reached (ECONNREFUSED). It is tried again.'],
    ]);
    api.failure = null;
    await pass(6_000);
    expect(events).toEqual(['null 0 1']);
  });

  test('says clearly and once that it is not authorized, and goes on trying', async () => {
    const { api, start, lines } = stand();
    api.failure = unauthorized('UnauthorizedException');
    start();
    await pass(60_000);
    expect(lines).toEqual([
      'error Not registered: The GraphQL API refused the caller (UnauthorizedException). Check GRAPHQL_API_KEY; ' +
        'without it, whether the AWS credentials allow appsync:GraphQL. It is tried again.',
    ]);
    api.failure = null;
    await pass(30_000);
    expect(lines.slice(1)).toEqual(['info Registered "vp-1" at epoch 0.']);
  });

  test('reads the record at a delivery that says nothing, or has a null for everything', async () => {
    const { api, events } = await online();
    for (const delivery of [null, {}, { id: 'vp-1', epoch: null, version: null, status: null }]) {
      api.change({ status: 'AVAILABLE' });
      api.subscriber.onDelivery({ onVirtualParticipantChanged: delivery });
      await pass(0);
    }
    expect([events, api.requests]).toEqual([
      ['AVAILABLE 0 2', 'AVAILABLE 0 3', 'AVAILABLE 0 4'],
      ['get', 'get', 'get'],
    ]);
  });

  test('reads nothing at a delivery of what it knows', async () => {
    const { api } = await online();
    api.subscriber.onDelivery({ onVirtualParticipantChanged: { id: 'vp-1', epoch: 0, version: 1 } });
    await pass(0);
    expect(api.requests).toEqual([]);
  });

  test('reads every 30 s and beats every 10 s', async () => {
    const { api } = await online();
    await pass(READ_INTERVAL_MS);
    expect(api.requests).toEqual(['heartbeat', 'heartbeat', 'get', 'heartbeat']);
  });

  test('beats only while the virtual participant is alive', async () => {
    let isAlive = false;
    const { api, start } = stand({ isAlive: () => isAlive });
    start();
    await pass(2 * HEARTBEAT_INTERVAL_MS);
    expect(api.requests).toEqual(['register']);
    isAlive = true;
    await pass(HEARTBEAT_INTERVAL_MS);
    expect(api.requests).toEqual(['register', 'heartbeat']);
  });

  test('learns from its heartbeat what nobody delivered', async () => {
    const { api, events } = await online();
    api.change({ status: 'KICKED' });
    await pass(HEARTBEAT_INTERVAL_MS);
    expect([api.requests, events]).toEqual([['heartbeat'], ['KICKED 0 2']]);
  });

  test('drops records older than the one it knows', async () => {
    const { api, events } = await online();
    api.change({ status: 'INVITED', epoch: 1 });
    api.subscriber.onDelivery({});
    await pass(0);
    const before = api.record;
    api.record = before && { ...before, epoch: 0, version: 9, status: 'AVAILABLE' };
    api.subscriber.onDelivery({});
    await pass(0);
    expect(events).toEqual(['INVITED 1 2']);
  });

  test('is offline while the subscription is lost, and registers only once', async () => {
    const { api, events } = await online();
    api.subscriber.onLost(lost);
    api.subscriber.onReady();
    await pass(0);
    expect([events, api.requests]).toEqual([['offline Connection closed', 'null 0 1', 'online'], ['get']]);
  });

  test('is offline while the record cannot be read, and reads sooner then', async () => {
    const { api, events, lines } = await online();
    lines.length = 0;
    api.failure = refused;
    api.subscriber.onDelivery({});
    await pass(3_000);
    expect([events, api.requests.length]).toEqual([[`offline ${refused.message}`], 3]);
    expect(lines).toEqual([
      `warn The record could not be read: ${refused.message} It is tried again.`,
      'warn The control plane is offline.',
    ]);
    api.failure = null;
    await pass(1_000);
    expect(events.slice(1)).toEqual(['null 0 1', 'online']);
  });

  test('tells at once what could not be told when the API is there again', async () => {
    const { api, report } = await online();
    api.failure = refused;
    const told = report('AVAILABLE', 0);
    await pass(100_000);
    api.subscriber.onLost(lost);
    api.failure = null;
    api.requests.length = 0;
    api.subscriber.onReady();
    await pass(0);
    expect([await told, api.requests.includes('report AVAILABLE 0')]).toEqual(['taken', true]);
  });

  test('gives the record that a report was answered with', async () => {
    const { report, events } = await online();
    expect(await report('AVAILABLE', 0)).toBe('taken');
    expect(events).toEqual(['AVAILABLE 0 2']);
  });

  test('subscribes again when its own change is not delivered in time', async () => {
    const { api, report, events } = await online();
    await report('AVAILABLE', 0);
    await pass(DELIVERY_TIMEOUT_MS);
    api.subscriber.onReady();
    await pass(0);
    expect(events).toEqual([
      'AVAILABLE 0 2',
      'offline A change was not delivered within 5 s.',
      'AVAILABLE 0 2',
      'online',
    ]);
  });

  test.each(['before', 'after'])('stays online when its change is delivered %s the answer', async (when) => {
    const { api, report, events } = await online();
    const deliver = () => api.subscriber.onDelivery({ onVirtualParticipantChanged: { epoch: 0, version: 2 } });
    api.hold();
    const told = report('AVAILABLE', 0);
    await pass(0);
    if (when === 'before') deliver();
    api.release();
    await told;
    if (when === 'after') deliver();
    await pass(DELIVERY_TIMEOUT_MS);
    expect(events.filter((event) => !event.startsWith('AVAILABLE'))).toEqual([]);
  });

  test('reads the record when a report is refused', async () => {
    const { api, report, events } = await online();
    api.change({ status: 'INVITED', epoch: 1 });
    expect(await report('AVAILABLE', 0)).toBe('stale');
    await pass(0);
    expect([api.requests, events]).toEqual([['report AVAILABLE 0', 'get'], ['INVITED 1 2']]);
  });

  test('reads nothing when a refusal says nothing new of the record', async () => {
    const { api, report } = await online();
    await report('AVAILABLE', 0);
    api.requests.length = 0;
    for (const [type, info] of [
      ['BAD_INPUT', { field: 'input.reason' }],
      ['ILLEGAL_TRANSITION', { status: 'AVAILABLE', epoch: 0, version: 2 }],
    ] as const) {
      api.failure = errorOfType(type, 'No.', info);
      expect(await report('STOPPED', 0)).toBe('refused');
    }
    expect(api.requests).toEqual(['report STOPPED 0', 'report STOPPED 0']);
  });

  test('learns at once that another process has taken its place', async () => {
    const { api, report, events } = await online();
    await report('AVAILABLE', 0);
    await api.request('{ registerVirtualParticipant(', { input: { id: 'vp-1', owner: 'owner-2' } });
    events.length = 0;
    api.requests.length = 0;
    api.subscriber.onDelivery({});
    await pass(0);
    expect([api.requests, events, api.isClosed]).toEqual([
      ['get', 'heartbeat'],
      ['STOPPED 0 3', 'offline STALE_OWNER', 'owner lost'],
      true,
    ]);
    await pass(60_000);
    expect([api.requests.length, events.length, jest.getTimerCount(), await report('AVAILABLE', 0)]).toEqual([
      2,
      3,
      0,
      'stale',
    ]);
  });

  test('has lost the virtual participant when its record is gone', async () => {
    const { api, events } = await online();
    api.record = null;
    api.subscriber.onDelivery({});
    await pass(0);
    expect(events).toEqual(['offline NOT_FOUND', 'owner lost']);
  });

  test('leaves nothing when it is closed', async () => {
    const { api, controlPlane, report, events } = await online();
    api.hold();
    api.subscriber.onDelivery({});
    const told = report('AVAILABLE', 0);
    await controlPlane.close();
    api.release();
    api.subscriber.onLost(lost);
    await pass(60_000);
    expect([await told, api.isClosed, events, jest.getTimerCount()]).toEqual(['closed', true, [], 0]);
  });

  test('leaves nothing when it is closed before it is registered', async () => {
    const { api, controlPlane, start, events } = stand();
    api.failure = refused;
    start();
    await pass(0);
    await controlPlane.close();
    await pass(60_000);
    expect([api.requests, events, jest.getTimerCount()]).toEqual([['register'], [], 0]);
  });
});
