import { LEGAL_PREDECESSORS, type VpStatus } from '../../../machines/status.ts';
import { refusalOf, type Vp } from './testing/client.ts';
import { STAGE_ARN, startControlPlane } from './testing/control-plane.ts';
import { reportOf, STATUSES, waysTo } from './testing/ways.ts';

let plane: Awaited<ReturnType<typeof startControlPlane>>;
let ways: ReturnType<typeof waysTo>;

beforeAll(async () => {
  plane = await startControlPlane();
  ways = waysTo(plane);
});

afterAll(() => plane.close());

const report = (vp: Vp, status: VpStatus): Promise<Vp> => plane.container.report(reportOf(vp, status));

const PAIRS = (['NONE', ...STATUSES] as const).flatMap((from) => STATUSES.map((to) => [from, to] as const));
const isLegal = (from: VpStatus | 'NONE', to: VpStatus) => LEGAL_PREDECESSORS[to].includes(from);
/** An AVAILABLE one becomes INVITED by an invite alone: a report to that effect comes late, of an invite that has ended. */
const isByInvite = (from: VpStatus | 'NONE', to: VpStatus) => from === 'AVAILABLE' && to === 'INVITED';

test.each(PAIRS.filter(([from, to]) => isLegal(from, to)))('from %s, %s follows', async (from, to) => {
  const id = `${from}-${to}`;
  const before = await ways[from](id);
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
    const before = await ways[from](id);
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
  const first = await report(await ways[status](id), status);
  expect(await report(first, status)).toEqual(first);
});

test.each(STATUSES.filter((status) => status !== 'AVAILABLE'))(
  'from %s, an invite is refused and names the status',
  async (status) => {
    const id = `${status}-invite`;
    await ways[status](id);
    const refusal = await refusalOf(plane.caller.invite({ stageArn: STAGE_ARN, id }));
    expect([refusal.errorType, refusal.errorInfo['status']]).toEqual(['NOT_AVAILABLE', status]);
  },
);

test.each(STATUSES.filter((status) => !isLegal(status, 'KICKED')))(
  'from %s, a kick changes nothing',
  async (status) => {
    const id = `${status}-kick`;
    const before = await ways[status](id);
    expect(await plane.caller.kick({ id })).toEqual(before);
  },
);

test.each(STATUSES.filter((status) => isLegal(status, 'KICKED')))('from %s, a kick ends the invite', async (status) => {
  const id = `${status}-kick`;
  const before = await ways[status](id);
  const after = await plane.caller.kick({ id });
  expect([after['status'], after['version']]).toEqual(['KICKED', Number(before['version']) + 1]);
});
