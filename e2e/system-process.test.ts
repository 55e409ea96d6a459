import { generateKeyPairSync } from 'node:crypto';
import { ImportPublicKeyCommand } from '@aws-sdk/client-ivs-realtime';
import { DEFAULT_API_KEY } from '../infra/local/appsync/server.ts';
import { processTree, runningProcesses } from '../server/chromium/processes.ts';
import { EcsAgent } from '../server/ecs/testing/ecs-agent.ts';
import { startRecorder } from './support/recorder.ts';
import { until, type VirtualParticipant } from './support/virtual-participant.ts';
import { startWholeSystem, type WholeSystem } from './support/whole-system.ts';

let system: WholeSystem;

beforeAll(async () => {
  system = await startWholeSystem();
}, 60_000);
afterAll(async () => {
  await system.close();
  expect([system.illegalSteps(), system.leaks()]).toEqual([[], []]);
}, 60_000);

async function publish(vp: VirtualParticipant): Promise<string> {
  await vp.release();
  await vp.invite();
  const { participantId } = await vp.until('PUBLISHED');
  await system.viewer.untilFrame(participantId ?? '');
  return participantId ?? '';
}

/** All processes of a server, for a look at whether they have ended. */
async function processesOf(vp: VirtualParticipant) {
  const tree = await processTree(vp.process.pid);
  const left = async () => (await runningProcesses()).map(({ pid }) => pid).filter((pid) => tree.includes(pid));
  return {
    count: tree.length,
    untilGone: () =>
      until(
        async () => (await left()).length === 0,
        2_000,
        () => 'Left over',
      ),
  };
}

describe('SIGTERM', () => {
  it('takes a published participant off the stage, tells STOPPED, and ends with code 0 and nothing left', async () => {
    const vp = await system.start('drained');
    const participantId = await publish(vp);
    const processes = await processesOf(vp);
    expect(processes.count).toBeGreaterThan(2);
    process.kill(vp.process.pid, 'SIGTERM');
    await vp.until('STOPPED');
    await system.viewer.untilGone(participantId);
    expect(await vp.process.exited).toBe(0);
    await processes.untilGone();
    await system.untilPresent([]);
  });

  it('has IVS take the participant off the stage when its page hangs', async () => {
    const vp = await system.start('hung');
    const participantId = await publish(vp);
    const processes = await processesOf(vp);
    for (const pid of await vp.chromium('renderer')) process.kill(pid, 'SIGSTOP');
    process.kill(vp.process.pid, 'SIGTERM');
    await vp.until('STOPPED');
    await system.viewer.untilGone(participantId);
    expect(await vp.process.exited).toBe(0);
    await processes.untilGone();
  });

  it('ends the process at once when it comes again, with a code that is not 0 and no Chromium left', async () => {
    const vp = await system.start('twice-told');
    await publish(vp);
    const processes = await processesOf(vp);
    for (const pid of await vp.chromium('renderer')) process.kill(pid, 'SIGSTOP');
    process.kill(vp.process.pid, 'SIGTERM');
    await vp.untilLine('stopping', ({ msg }) => msg === 'stopping');
    const againAt = performance.now();
    process.kill(vp.process.pid, 'SIGTERM');
    expect(await vp.process.exited).toBe(1);
    expect(performance.now() - againAt).toBeLessThan(500);
    await processes.untilGone();
  });
});

describe('A task of ECS', () => {
  let agent: EcsAgent;
  beforeEach(async () => {
    agent = await EcsAgent.start();
  });
  afterEach(() => agent.close());

  it('is named by its id, protected from the invite on, and not any more when it is free', async () => {
    const vp = await system.start('vp-158d1c8083dd49d6b527399fd6414f5c', { ...agent.environment, VP_ID: '' });
    await vp.until('AVAILABLE');
    expect(agent.asked).toEqual([]);
    await publish(vp);
    expect([agent.isProtected, agent.asked]).toEqual([true, [{ ProtectionEnabled: true, ExpiresInMinutes: 60 }]]);
    await vp.release();
    await agent.untilAsked(2);
    expect(agent.isProtected).toBe(false);
    await vp.close();
  });

  it('that is stopped in the moment in which an invite claims it tells its caller to invite again', async () => {
    const vp = await system.start('claimed', agent.environment);
    await vp.until('AVAILABLE');
    // It finds both when it wakes: that it was claimed, and that it has to go.
    process.kill(vp.process.pid, 'SIGSTOP');
    const epoch = await vp.invite();
    process.kill(vp.process.pid, 'SIGTERM');
    process.kill(vp.process.pid, 'SIGCONT');
    const { failure, epoch: ended } = await vp.until('STOPPED');
    expect([ended, failure?.code, failure?.retryable]).toEqual([epoch, 'DRAINED', true]);
    expect(await vp.process.exited).toBe(0);
    await system.untilAbsent('claimed');
  });
});

describe('A server', () => {
  it('that finds its id taken over leaves the stage and ends with a code that is not 0; the newer one is free', async () => {
    const older = await system.start('two');
    const participantId = await publish(older);
    const newer = await system.start('two');
    await newer.until('AVAILABLE');
    expect(await older.process.exited).toBe(3);
    await system.viewer.untilGone(participantId);
    await publish(newer);
    await newer.release();
    expect(newer.seen.at(-1)).toMatchObject({ status: 'AVAILABLE', reason: 'KICKED' });
    await newer.close();
  });

  it('that starts before the GraphQL API says so, is not ready, and is free as soon as the API is there', async () => {
    await system.services.appSync.goDown();
    const vp = system.startUnwatched('early');
    const { healthPort } = await vp.untilLine('started', ({ msg }) => msg === 'started');
    const isReady = async () => (await fetch(`http://127.0.0.1:${healthPort}/readyz`)).status;
    await vp.untilLine('not registered', ({ msg }) => msg?.startsWith('Not registered') ?? false);
    expect(await isReady()).toBe(503);
    await system.services.appSync.comeUp();
    await vp.untilControlPlane('online');
    await vp.watch();
    await vp.until('AVAILABLE');
    expect(await isReady()).toBe(200);
    await vp.close();
  });

  it('with an API key, which may not register, says so without the key, and drains all the same', async () => {
    const vp = system.startUnwatched('keyed', { GRAPHQL_API_KEY: DEFAULT_API_KEY });
    await vp.untilLine('refused', ({ msg }) => msg?.startsWith('Not registered: The GraphQL API refused') ?? false);
    await vp.close();
    expect(await vp.process.exited).toBe(0);
  });

  it('with a participant token in place of a GraphQL API publishes at once', async () => {
    const { token, participantId } = await system.newToken('alone');
    const vp = system.startUnwatched('alone', { PARTICIPANT_TOKEN: token }, 'alone');
    await system.viewer.untilFrame(participantId);
    await vp.untilLine('PUBLISHED', ({ msg, status }) => msg === 'status' && status === 'PUBLISHED');
    await vp.close();
    await system.viewer.untilGone(participantId);
    expect(await vp.process.exited).toBe(0);
  });

  it('with a key pair makes its tokens without a call to IVS for each', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const imported = await system.ivs.send(
      new ImportPublicKeyCommand({ publicKeyMaterial: publicKey.export({ type: 'spki', format: 'pem' }).toString() }),
    );
    const recorder = await startRecorder(system.services.stage.url);
    const vp = await system.start('key-pair', {
      AWS_ENDPOINT_URL_IVS_REALTIME: recorder.url,
      STAGE_PUBLIC_KEY_ARN: imported.publicKey?.arn ?? '',
      STAGE_PRIVATE_KEY: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    });
    try {
      await publish(vp);
      await vp.release();
      await publish(vp);
    } finally {
      await vp.close();
      recorder.close();
    }
    expect(recorder.calls).toEqual(['GetStage']);
  });
});
