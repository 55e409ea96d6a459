import { LEGAL_PREDECESSORS, type VpStatus } from '../../../machines/status.ts';
import type { Vp } from '../../local/appsync/testing/client.ts';
import { OWNER, STAGE_ARN, startControlPlane } from '../../local/appsync/testing/control-plane.ts';
import { startDatabase, type TestDatabase } from '../../local/appsync/testing/database.ts';
import { reportOf, STATUSES, waysTo } from '../../local/appsync/testing/ways.ts';
import { STATUS_CHANGE_PATTERN } from './status-change.ts';

/** What of EventBridge's event patterns the filter uses. A field that is not there matches nothing. */
function matches(pattern: unknown, event: unknown): boolean {
  if (Array.isArray(pattern)) {
    return pattern.some((one) =>
      typeof one === 'object' && 'anything-but' in one
        ? typeof event === 'string' && !one['anything-but'].includes(event)
        : one === event,
    );
  }
  return Object.entries(pattern as object).every(([name, inner]) =>
    name === '$or'
      ? inner.some((one: unknown) => matches(one, event))
      : typeof event === 'object' && event !== null && matches(inner, (event as Record<string, unknown>)[name]),
  );
}

const isChange = (image: unknown) => matches(STATUS_CHANGE_PATTERN, { dynamodb: { NewImage: image } });

let database: TestDatabase;
let plane: Awaited<ReturnType<typeof startControlPlane>>;
let ways: ReturnType<typeof waysTo>;

beforeAll(async () => {
  database = await startDatabase();
  plane = await startControlPlane(database.url);
  ways = waysTo(plane);
});

afterAll(async () => {
  await plane.close();
  await database.close();
});

/** Writes, and asks the filter about the record that the stream would then hold. */
async function ask(id: string, write: Promise<unknown>): Promise<boolean> {
  await write;
  return isChange(await database.imageOf(id));
}

const beat = (id: string) => plane.container.heartbeat({ id, owner: OWNER });
const PAIRS = STATUSES.flatMap((to) => LEGAL_PREDECESSORS[to].map((from) => [from, to] as const));
const move = (vp: Vp, from: VpStatus | 'NONE', to: VpStatus) =>
  from === 'AVAILABLE' && to === 'INVITED'
    ? plane.caller.invite({ stageArn: STAGE_ARN, id: vp['id'] })
    : plane.container.report(reportOf(vp, to));

test.each(PAIRS)('from %s to %s passes the filter, the heartbeats before and after it do not', async (from, to) => {
  const id = `${from}-${to}`;
  const before = await ways[from](id);
  expect([
    await ask(id, beat(id)),
    await ask(id, move(before, from, to)),
    await ask(id, beat(id)),
    await ask(id, beat(id)),
  ]).toEqual([false, true, false, false]);
});

test.each(STATUSES)('news of the same status, %s, does not pass', async (status) => {
  const id = `${status}-news`;
  const vp = await ways[status](id);
  expect(await ask(id, plane.container.report({ ...reportOf(vp, status), reason: 'NEWS' }))).toBe(false);
});

test.each(['NONE', ...STATUSES] as const)(
  'a new owner of one that was %s passes if that ends what was left',
  async (from) => {
    const id = `${from}-replaced`;
    const before = await ways[from](id);
    const register = plane.container.register({ id, owner: 'another-owner' });
    const isPassed = await ask(id, register);
    expect(isPassed).toBe(before['status'] !== (await register)['status']);
  },
);

test('the first write of a record, which has no status yet, does not pass', async () => {
  expect(await ask('vp-new', ways.NONE('vp-new'))).toBe(false);
});

test('a claim with a clientToken, which is a transaction, passes', async () => {
  await ways.AVAILABLE('vp-token');
  const invite = plane.caller.invite({ stageArn: STAGE_ARN, id: 'vp-token', clientToken: 'order-1' });
  expect(await ask('vp-token', invite)).toBe(true);
});

test('a kick of one that does not respond passes', async () => {
  await ways.PUBLISHED('vp-silent');
  plane.clock.nowMs += 30_001;
  expect(await ask('vp-silent', plane.caller.kick({ id: 'vp-silent' }))).toBe(true);
});

test('every write, a heartbeat too, moves the end of a record to seven days later', async () => {
  const week = 7 * 24 * 60 * 60;
  const leftOf = async (write: Promise<unknown>) => {
    await write;
    return Number((await database.imageOf('vp-week'))?.['expiresAt']?.N) - Math.floor(plane.clock.nowMs / 1_000);
  };
  expect(await leftOf(ways.AVAILABLE('vp-week'))).toBe(week);
  plane.clock.nowMs += 10_000;
  expect(await leftOf(beat('vp-week'))).toBe(week);
  plane.clock.nowMs += 10_000;
  expect(await leftOf(plane.caller.invite({ stageArn: STAGE_ARN, id: 'vp-week' }))).toBe(week);
});

test('the pattern is shorter than the 4,096 characters that Lambda takes', () => {
  expect(JSON.stringify(STATUS_CHANGE_PATTERN).length).toBeLessThan(4_096);
});
