import { LEGAL_PREDECESSORS, type VpStatus } from '../../../machines/status.ts';
import { refusalOf, type Vp } from './testing/client.ts';
import { FAILURE, makeAvailable, OWNER, STAGE_ARN, startControlPlane } from './testing/control-plane.ts';

const STATUSES = Object.keys(LEGAL_PREDECESSORS) as VpStatus[];

let plane: Awaited<ReturnType<typeof startControlPlane>>;

beforeAll(async () => {
  plane = await startControlPlane();
});

afterAll(() => plane.close());

function report({ id, epoch }: Vp, status: VpStatus): Promise<Vp> {
  return plane.container.report({ id, owner: OWNER, epoch, status, ...(status === 'ERRORED' && { failure: FAILURE }) });
}

/** By which way a virtual participant comes to each status. */
const WAYS: Record<VpStatus | 'NONE', (id: string) => Promise<Vp>> = {
  NONE: (id) => plane.container.register({ id, owner: OWNER }),
  AVAILABLE: (id) => makeAvailable(plane.container, id),
  async INVITED(id) {
    await WAYS.AVAILABLE(id);
    return plane.caller.invite({ stageArn: STAGE_ARN, id });
  },
  CONNECTED: async (id) => report(await WAYS.INVITED(id), 'CONNECTED'),
  PUBLISHED: async (id) => report(await WAYS.CONNECTED(id), 'PUBLISHED'),
  async KICKED(id) {
    await WAYS.PUBLISHED(id);
    return plane.caller.kick({ id, reason: 'KICKED' });
  },
  ERRORED: async (id) => report(await WAYS.INVITED(id), 'ERRORED'),
  STOPPED: async (id) => report(await WAYS.AVAILABLE(id), 'STOPPED'),
};

const PAIRS = (['NONE', ...STATUSES] as const).flatMap((from) => STATUSES.map((to) => [from, to] as const));
const isLegal = (from: VpStatus | 'NONE', to: VpStatus) => LEGAL_PREDECESSORS[to].includes(from);
/** An AVAILABLE one becomes INVITED by an invite alone: a report to that effect comes late, of an invite that has ended. */
const isByInvite = (from: VpStatus | 'NONE', to: VpStatus) => from === 'AVAILABLE' && to === 'INVITED';

test.each(PAIRS.filter(([from, to]) => isLegal(from, to)))('from %s, %s follows', async (from, to) => {
  const id = `${from}-${to}`;
  const before = await WAYS[from](id);
  const isInvite = isByInvite(from, to);
  const after = isInvite ? await plane.caller.invite({ stageArn: STAGE_ARN, id }) : await report(before, to);
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
    const before = await WAYS[from](id);
    const { epoch, version } = before;
    const status = from === 'NONE' ? null : from;
    expect(await refusalOf(report(before, to))).toEqual({
      errorType: 'ILLEGAL_TRANSITION',
      message: `"${id}" is ${status ?? 'not ready'}: it cannot become ${to}.`,
      errorInfo: { retryable: false, status, epoch, version },
    });
  },
);

test.each(STATUSES)('from %s, the same report again changes nothing', async (status) => {
  const id = `${status}-again`;
  const first = await report(await WAYS[status](id), status);
  expect(await report(first, status)).toEqual(first);
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
