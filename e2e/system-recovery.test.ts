import { DisconnectParticipantCommand } from '@aws-sdk/client-ivs-realtime';
import type { VirtualParticipant } from './support/virtual-participant.ts';
import { startWholeSystem, type WholeSystem } from './support/whole-system.ts';

let system: WholeSystem;
let vp: VirtualParticipant;

beforeAll(async () => {
  system = await startWholeSystem();
  vp = await system.start('vp');
  await vp.until('AVAILABLE');
}, 60_000);
afterEach(async () => {
  await system.clearFaults();
  await vp.release();
});
afterAll(async () => {
  await system.close();
  expect([system.illegalSteps(), system.leaks()]).toEqual([[], []]);
}, 60_000);

async function publish(): Promise<{ epoch: number; participantId: string }> {
  const epoch = await vp.invite();
  const { participantId } = await vp.until('PUBLISHED');
  await system.viewer.untilFrame(participantId ?? '');
  return { epoch, participantId: participantId ?? '' };
}

async function signal(kind: 'browser' | 'renderer', name: 'SIGKILL' | 'SIGSTOP'): Promise<void> {
  const pids = await vp.chromium(kind);
  expect(pids).not.toEqual([]);
  for (const pid of pids) process.kill(pid, name);
}

describe('A published participant is published again under the same invite, on the record and for the viewer, when', () => {
  it.each<[name: string, disturb: (participantId: string) => Promise<unknown>]>([
    ['its Chromium is killed', () => signal('browser', 'SIGKILL')],
    ['its page crashes', () => signal('renderer', 'SIGKILL')],
    ['its page hangs', () => signal('renderer', 'SIGSTOP')],
    [
      'its media path goes dark',
      (participantId) => system.fault({ participantId, step: 'media', action: 'drop', direction: 'publish' }),
    ],
    [
      'the stage throws it out without a reason',
      (participantId) => system.fault({ participantId, step: 'events', action: 'refuse', code: 'MAINTENANCE' }),
    ],
  ])('%s', async (_name, disturb) => {
    const { epoch, participantId } = await publish();
    await disturb(participantId);
    await vp.untilSeen('another status', ({ status }) => status === 'INVITED' || status === 'CONNECTED', 20_000);
    await vp.until('PUBLISHED', 20_000);
    await system.viewer.untilMoreFrames(participantId, 30);
    expect(vp.seen.at(-1)).toMatchObject({ status: 'PUBLISHED', epoch, failure: null });
    await system.untilPresent(['vp']);
  });

  it('its events socket is cut, without a moment in which it is not', async () => {
    const { epoch, participantId } = await publish();
    await system.fault({ participantId, step: 'events', action: 'cut' });
    await system.viewer.untilMoreFrames(participantId, 60);
    expect(vp.statuses(epoch)).toEqual(['INVITED', 'CONNECTED', 'PUBLISHED']);
  });
});

describe('While the GraphQL API', () => {
  const appSync = () => system.services.appSync;

  it('is down, media goes on; when it is back, so does the invite, and a kick ends it', async () => {
    const { epoch, participantId } = await publish();
    await appSync().goDown();
    await vp.untilControlPlane('offline');
    await system.viewer.untilMoreFrames(participantId, 30);
    await appSync().comeUp();
    await vp.untilControlPlane('online');
    await vp.watch();
    await system.viewer.untilMoreFrames(participantId, 30);
    expect(vp.seen.at(-1)).toMatchObject({ status: 'PUBLISHED', epoch, participantId });
    await vp.kick();
    await vp.until('AVAILABLE');
    await system.viewer.untilGone(participantId);
  });

  it('is down and IVS ends the invite, the record says so when it is back', async () => {
    const { epoch, participantId } = await publish();
    await appSync().goDown();
    await vp.untilControlPlane('offline');
    await system.ivs.send(new DisconnectParticipantCommand({ stageArn: system.stageArn, participantId }));
    await system.viewer.untilGone(participantId);
    await appSync().comeUp();
    await vp.untilControlPlane('online');
    await vp.watch();
    await vp.until('AVAILABLE');
    expect(vp.seen.at(-1)).toMatchObject({ status: 'AVAILABLE', epoch, reason: 'PARTICIPANT_DISCONNECTED' });
  });

  it('is silent, media goes on, and a kick ends the invite once it speaks', async () => {
    const { epoch, participantId } = await publish();
    appSync().goSilent();
    await system.viewer.untilMoreFrames(participantId, 60);
    appSync().speakAgain();
    await system.viewer.untilMoreFrames(participantId, 30);
    expect(vp.statuses(epoch)).toEqual(['INVITED', 'CONNECTED', 'PUBLISHED']);
    await vp.watch();
    await vp.kick();
    await vp.until('AVAILABLE');
    await system.viewer.untilGone(participantId);
  });

  it('cuts its connections, media goes on, and a kick ends the invite', async () => {
    const { participantId } = await publish();
    appSync().cutConnections();
    await vp.watch();
    await vp.kick();
    await vp.until('AVAILABLE');
    await system.viewer.untilGone(participantId);
    expect(vp.seen.at(-1)).toMatchObject({ status: 'AVAILABLE', reason: 'KICKED' });
  });
});
