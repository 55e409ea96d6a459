import { LEGAL_PREDECESSORS, type VpStatus } from '../../../machines/status.ts';
import { refusalOf, type Vp } from './testing/client.ts';
import { FAILURE, makeAvailable, OWNER, STAGE_ARN, startControlPlane } from './testing/control-plane.ts';

const STATUSES = Object.keys(LEGAL_PREDECESSORS) as VpStatus[];

let plane: Awaited<ReturnType<typeof startControlPlane>>;

beforeAll(async () => {
  plane = await startControlPlane();
});

afterAll(() => plane.close());

async function report(id: string, status: VpStatus): Promise<Vp> {
  const { epoch } = (await plane.caller.get(id)) ?? {};
  return plane.container.report({
    id,
    owner: OWNER,
    epoch,
    status,
    ...(status === 'ERRORED' && { failure: FAILURE }),
  });
}

/** By which way a virtual participant comes to each status. */
const WAYS: Record<VpStatus | 'NONE', (id: string) => Promise<Vp>> = {
  NONE: (id) => plane.container.register({ id, owner: OWNER }),
  AVAILABLE: (id) => makeAvailable(plane.container, id),
  async INVITED(id) {
    await WAYS.AVAILABLE(id);
    return plane.caller.invite({ stageArn: STAGE_ARN, id });
  },
  async CONNECTED(id) {
    await WAYS.INVITED(id);
    return report(id, 'CONNECTED');
  },
  async PUBLISHED(id) {
    await WAYS.CONNECTED(id);
    return report(id, 'PUBLISHED');
  },
  async KICKED(id) {
    await WAYS.PUBLISHED(id);
    return plane.caller.kick({ id, reason: 'KICKED' });
  },
  async ERRORED(id) {
    await WAYS.INVITED(id);
    return report(id, 'ERRORED');
  },
  async STOPPED(id) {
    await WAYS.AVAILABLE(id);
    return report(id, 'STOPPED');
  },
};

const PAIRS = (['NONE', ...STATUSES] as const).flatMap((from) => STATUSES.map((to) => [from, to] as const));
const isLegal = (from: VpStatus | 'NONE', to: VpStatus) => LEGAL_PREDECESSORS[to].includes(from);
/** An AVAILABLE one becomes INVITED by an invite alone: a report to that effect comes late, of an invite that has ended. */
const isByInvite = (from: VpStatus | 'NONE', to: VpStatus) => from === 'AVAILABLE' && to === 'INVITED';

test.each(PAIRS.filter(([from, to]) => isLegal(from, to)))('from %s, %s follows', async (from, to) => {
  const id = `${from}-${to}`;
  const before = await WAYS[from](id);
  const isInvite = isByInvite(from, to);
  const after = isInvite ? await plane.caller.invite({ stageArn: STAGE_ARN, id }) : await report(id, to);
  expect([after['status'], after['version'], after['epoch']]).toEqual([
    to,
    Number(before['version']) + 1,
    Number(before['epoch']) + (isInvite ? 1 : 0),
  ]);
});

test.each(PAIRS.filter(([from, to]) => from !== to && (!isLegal(from, to) || isByInvite(from, to))))(
  'from %s, a report of %s is refused and names the present status',
  async (from, to) => {
    const id = `${from}-not-${to}`;
    const { epoch, version } = await WAYS[from](id);
    const status = from === 'NONE' ? null : from;
    expect(await refusalOf(report(id, to))).toEqual({
      errorType: 'ILLEGAL_TRANSITION',
      message: `"${id}" is ${status ?? 'not ready'}: it cannot become ${to}.`,
      errorInfo: { retryable: false, status, epoch, version },
    });
  },
);

test.each(STATUSES)('from %s, the same report again changes nothing', async (status) => {
  const id = `${status}-again`;
  await WAYS[status](id);
  const first = await report(id, status);
  expect(await report(id, status)).toEqual(first);
});

test.each(STATUSES.filter((status) => status !== 'AVAILABLE'))(
  'from %s, an invite is refused and names the status',
  async (status) => {
    const id = `${status}-invite`;
    await WAYS[status](id);
    const refusal = await refusalOf(plane.caller.invite({ stageArn: STAGE_ARN, id }));
    expect([refusal.errorType, refusal.errorInfo['status']]).toEqual(['NOT_AVAILABLE', status]);
  },
);

test.each(STATUSES.filter((status) => !isLegal(status, 'KICKED')))(
  'from %s, a kick changes nothing',
  async (status) => {
    const id = `${status}-kick`;
    const before = await WAYS[status](id);
    expect(await plane.caller.kick({ id })).toEqual(before);
  },
);

test.each(STATUSES.filter((status) => isLegal(status, 'KICKED')))('from %s, a kick ends the invite', async (status) => {
  const id = `${status}-kick`;
  const before = await WAYS[status](id);
  const after = await plane.caller.kick({ id });
  expect([after['status'], after['version']]).toEqual(['KICKED', Number(before['version']) + 1]);
});
