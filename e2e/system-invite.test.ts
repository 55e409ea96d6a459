import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteStageCommand, DisconnectParticipantCommand } from '@aws-sdk/client-ivs-realtime';
import { until, type VirtualParticipant } from './support/virtual-participant.ts';
import { startWholeSystem, type WholeSystem } from './support/whole-system.ts';

let system: WholeSystem;
let vp: VirtualParticipant;
let cacheDir: string;

beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'vp-cache-'));
  system = await startWholeSystem();
  vp = await system.start('vp', { ASSET_CACHE_DIR: cacheDir });
  await vp.until('AVAILABLE');
}, 60_000);
afterEach(() => vp.release());
afterAll(async () => {
  await system.close();
  await rm(cacheDir, { recursive: true });
  expect([system.illegalSteps(), system.leaks()]).toEqual([[], []]);
}, 60_000);

async function publish(input: Parameters<typeof vp.invite>[0] = {}): Promise<{ epoch: number; participantId: string }> {
  const epoch = await vp.invite(input);
  const { participantId } = await vp.until('PUBLISHED');
  return { epoch, participantId: participantId ?? '' };
}

/** Every value at an address that Prometheus reads, by name and labels. */
async function metricsOf(url: string): Promise<Readonly<Record<string, number>>> {
  const text = await (await fetch(url)).text();
  return Object.fromEntries(
    [...text.matchAll(/^([^#\s][^\s]*) (\S+)$/gm)].map(([, name, value]) => [name, Number(value)]),
  );
}

function numbersOf(line: object, name: string): number[] {
  return Object.entries(line).flatMap(([field, value]) => (field === name ? [Number(value)] : []));
}

describe('A virtual participant that is invited through GraphQL', () => {
  it('is seen by the viewer, leaves at a kick, and can be invited again under the next epoch', async () => {
    const first = await publish();
    expect(await system.viewer.untilFrame(first.participantId)).toBeGreaterThan(0);
    await vp.kick();
    await vp.until('AVAILABLE');
    await system.viewer.untilGone(first.participantId);
    expect(vp.statuses(first.epoch)).toEqual(['INVITED', 'CONNECTED', 'PUBLISHED', 'KICKED', 'AVAILABLE']);

    const second = await publish();
    expect(second.epoch).toBe(first.epoch + 1);
    await system.viewer.untilFrame(second.participantId);
    await vp.release();
    expect(vp.statuses(second.epoch)).toEqual(['INVITED', 'CONNECTED', 'PUBLISHED', 'KICKED', 'AVAILABLE']);
  });

  it('tells what kind of source its media come from', async () => {
    const { epoch } = await publish();
    const sources = () => vp.seen.filter((seen) => seen.epoch === epoch).map(({ source }) => source);
    await until(
      () => sources().includes('capture'),
      5_000,
      () => `The sources were ${sources()}`,
    );
  });

  it('ends by itself when its time is up, and says so', async () => {
    const epoch = await vp.invite({ maxDurationSeconds: 2 });
    const { participantId } = await vp.until('PUBLISHED');
    const { reason } = await vp.until('AVAILABLE');
    expect([reason, vp.statuses(epoch)]).toEqual(['MAX_DURATION', ['INVITED', 'CONNECTED', 'PUBLISHED', 'AVAILABLE']]);
    await system.viewer.untilGone(participantId ?? '');
  });

  it('is not moved by a kick of an invite that has ended, neither when free nor when invited again', async () => {
    const epoch = await vp.invite({ maxDurationSeconds: 1 });
    await vp.until('AVAILABLE');
    await vp.kick(epoch);
    const next = await publish();
    await vp.kick(epoch);
    await system.viewer.untilFrame(next.participantId);
    await system.viewer.untilMoreFrames(next.participantId, 15);
    expect(vp.statuses(next.epoch)).toEqual(['INVITED', 'CONNECTED', 'PUBLISHED']);
    expect(vp.statuses(epoch).at(-1)).toBe('AVAILABLE');
  });
});

describe('An invite with an asset from S3', () => {
  it('is seen by the viewer, and the next one with it downloads nothing', async () => {
    const statuses = () => system.services.s3.requests.map(({ key, status }) => [key, status]);
    const first = await publish({ assetName: 's3://assets/counter.mp4' });
    await system.viewer.untilFrame(first.participantId);
    await vp.release();
    expect(statuses()).toEqual([['counter.mp4', 200]]);

    const second = await publish({ assetName: 's3://assets/counter.mp4' });
    await system.viewer.untilFrame(second.participantId);
    expect(statuses()).toEqual([
      ['counter.mp4', 200],
      ['counter.mp4', 304],
    ]);
  });
});

describe('An invite that cannot succeed ends in ERRORED, then AVAILABLE, and a good one follows', () => {
  it.each([
    [
      'of an asset that is not there',
      () => ({ assetName: 'missing.mp4' }),
      { code: 'ASSET_NOT_FOUND', origin: 'caller', retryable: false, message: expect.stringContaining('missing.mp4') },
    ],
    [
      'of an object that is not in S3',
      () => ({ assetName: 's3://assets/missing.mp4' }),
      {
        code: 'ASSET_NOT_FOUND',
        origin: 'caller',
        retryable: false,
        message: 'There is no "s3://assets/missing.mp4" in S3; it was to be an asset.',
      },
    ],
    [
      'of an object that is no video',
      () => ({ assetName: 's3://assets/README.md' }),
      { code: 'ASSET_UNPLAYABLE', origin: 'caller', retryable: false, message: expect.stringContaining('it is text') },
    ],
    [
      'of a stage that is not there',
      () => ({ stageArn: `${system.stageArn.slice(0, -12)}NoSuchStage0` }),
      { code: 'STAGE_NOT_FOUND', origin: 'caller', retryable: false, message: expect.stringContaining('NoSuchStage0') },
    ],
  ])('%s', async (_name, input, failure) => {
    const epoch = await vp.invite(input());
    // At once: none of the waits on the way is as short.
    expect((await vp.until('ERRORED', 1_000)).failure).toMatchObject(failure);
    await vp.until('AVAILABLE');
    expect(vp.statuses(epoch)).toEqual(['INVITED', 'ERRORED', 'AVAILABLE']);

    const good = await publish();
    await system.viewer.untilFrame(good.participantId);
  });
});

describe('A published participant that IVS takes off its stage is KICKED with the reason, then AVAILABLE', () => {
  it.each([
    [
      'as it disconnects the participant',
      'PARTICIPANT_DISCONNECTED',
      (stageArn: string, participantId: string) =>
        system.ivs.send(new DisconnectParticipantCommand({ stageArn, participantId })),
    ],
    ['as it deletes the stage', 'STAGE_DELETED', (arn: string) => system.ivs.send(new DeleteStageCommand({ arn }))],
  ])('%s', async (_name, reason, remove) => {
    const stageArn = await system.newStage();
    await vp.invite({ stageArn });
    const { participantId } = await vp.until('PUBLISHED');
    await remove(stageArn, participantId ?? '');
    expect((await vp.until('KICKED')).reason).toBe(reason);
    await vp.until('AVAILABLE');
    expect(vp.statuses().slice(-2)).toEqual(['KICKED', 'AVAILABLE']);
  });
});

describe('An invite', () => {
  it('is counted and timed, the same for Prometheus and in the log, and leaves a free place', async () => {
    const measured = await system.start('measured', { METRICS_NAMESPACE: 'Measured' });
    await measured.until('AVAILABLE');
    await measured.invite();
    const { participantId } = await measured.until('PUBLISHED');
    await system.viewer.untilFrame(participantId ?? '');
    await measured.release();
    await measured.invite({ assetName: 'missing.mp4' });
    await measured.until('ERRORED');
    await measured.until('AVAILABLE');
    const { healthPort } = await measured.untilLine('started', ({ msg }) => msg === 'started');
    const metrics = await metricsOf(`http://127.0.0.1:${healthPort}/metrics`);
    const phases = ['prepare', 'join', 'publish', 'leave'].map((phase) => `{phase="${phase}"}`);
    expect(phases.map((phase) => metrics[`vp_invite_phase_seconds_count${phase}`])).toEqual([1, 1, 1, 1]);
    const secondsOf = (phase: string) => metrics[`vp_invite_phase_seconds_sum${phase}`] ?? Number.NaN;
    const total = phases.slice(0, 3).reduce((sum, phase) => sum + secondsOf(phase), 0);
    expect(metrics['vp_invite_seconds_sum']).toBeCloseTo(total, 6);
    expect(metrics).toMatchObject({
      vp_places_free: 1,
      vp_places_taken: 0,
      vp_invites_total: 2,
      vp_invite_seconds_count: 1,
      'vp_failures_total{origin="caller",code="ASSET_NOT_FOUND"}': 1,
      'vp_recoveries_total{cause="page"}': 0,
    });
    expect(metrics['vp_frames_total']).toBeGreaterThan(0);
    expect(metrics['vp_bytes_total']).toBeGreaterThan(0);

    await measured.close();
    const told = (name: string) =>
      measured.lines.filter((line) => '_aws' in line).flatMap((line) => numbersOf(line, name));
    const sum = (values: number[]) => values.reduce((one, other) => one + other, 0);
    expect([told('Invites'), told('InviteSeconds').length, told('Failures'), told('Recoveries')]).toEqual([
      [1, 1],
      1,
      [1],
      [],
    ]);
    expect([sum(told('Frames')), sum(told('Bytes')), sum(told('InviteSeconds'))]).toEqual([
      metrics['vp_frames_total'],
      metrics['vp_bytes_total'],
      metrics['vp_invite_seconds_sum'],
    ]);
  });
});
