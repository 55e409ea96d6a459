import { CreateParticipantTokenCommand, CreateStageCommand, IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';
import { type StageServer, startStage } from '../infra/local/stage/server.ts';
import { type LightPublisher, type LightSubscriber, publishLight, subscribeLight } from './support/light-client.ts';

const PUBLISHERS = 12;
const SUBSCRIBERS = 30;
/** Two seconds of media, after half a second to settle. */
const PICTURES = 60;
const SETTLING_PICTURES = 15;

let stage: StageServer;
let ivs: IVSRealTimeClient;

beforeAll(async () => {
  stage = await startStage({ port: 0, controlPort: 0 });
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  ivs = new IVSRealTimeClient({ endpoint: stage.url, region: 'us-east-1', credentials });
});
const clients: (LightPublisher | LightSubscriber)[] = [];
afterEach(() => Promise.all(clients.splice(0).map((client) => client.vanish())));
afterAll(async () => {
  ivs.destroy();
  await stage.close();
});

async function createToken(stageArn: string | undefined) {
  const { participantToken } = await ivs.send(new CreateParticipantTokenCommand({ stageArn }));
  const { participantId = '', token = '' } = participantToken ?? {};
  return { participantId, token };
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const deadline = performance.now() + 15_000;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`waited 15 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Longer than the stage works between two looks. */
const STANDSTILL_MS = 100;

/** Notices when the machine gives this process no CPU: time that passes without its timers and without its using any, unlike work or GC. */
function watchForStandstill() {
  let [atMs, cpu, stoodStill] = [performance.now(), process.cpuUsage(), false];
  const look = () => {
    const { user, system } = process.cpuUsage(cpu);
    const gapMs = performance.now() - atMs;
    if (gapMs > STANDSTILL_MS && (user + system) / 1_000 < gapMs / 2) stoodStill = true;
    [atMs, cpu] = [performance.now(), process.cpuUsage()];
  };
  const timer = setInterval(look, 10);
  return {
    end() {
      look();
      clearInterval(timer);
      return stoodStill;
    },
  };
}

it('12 publishers at 2.5 Mbit/s and 30 subscribers, all connecting at once: no packet is lost then', async () => {
  const { stage: created } = await ivs.send(new CreateStageCommand({}));
  const publishers = await Promise.all(
    Array.from({ length: PUBLISHERS }, async () => {
      const { participantId, token } = await createToken(created?.arn);
      const client = await publishLight({ url: `${stage.url}/whip/publish/${participantId}`, token });
      clients.push(client);
      return { participantId, client };
    }),
  );
  const subscribers = await Promise.all(
    Array.from({ length: SUBSCRIBERS }, async (_unused, index) => {
      const { token } = await createToken(created?.arn);
      const publisherId = publishers[index % PUBLISHERS]?.participantId ?? '';
      const client = await subscribeLight({ url: `${stage.url}/whep/${publisherId}`, token });
      clients.push(client);
      return client;
    }),
  );
  const everyHas = (pictures: number) => subscribers.every((one) => one.received().video.frames >= pictures);
  const lost = () => subscribers.map((one) => one.received().video.lost + one.received().audio.lost);
  // The clients share this process with the stage, which while they connect keeps neither up with the packets.
  await until('the first pictures at each subscriber', () => everyHas(SETTLING_PICTURES));
  const twoSeconds = async () => {
    const before = lost();
    const pictures = Math.max(...subscribers.map((one) => one.received().video.frames));
    const standstill = watchForStandstill();
    await until(`${PICTURES} more`, () => everyHas(pictures + PICTURES));
    return { lostSince: lost().map((count, index) => count - (before[index] ?? 0)), stoodStill: standstill.end() };
  };
  // Any loss while the process had its CPU is the stage's, and none is forgiven.
  let seen = await twoSeconds();
  for (let again = 0; again < 5 && seen.stoodStill; again += 1) seen = await twoSeconds();
  const { lostSince } = seen;
  const silent = subscribers.filter((one) => one.received().audio.packets < 80);
  expect({ lostSince, silent }).toEqual({ lostSince: Array.from({ length: SUBSCRIBERS }, () => 0), silent: [] });
}, 60_000);

it('a publisher that deletes its resource is gone for its subscriber, whose peer connection the stage ends', async () => {
  const { stage: created } = await ivs.send(new CreateStageCommand({}));
  const { participantId, token } = await createToken(created?.arn);
  const publisher = await publishLight({ url: `${stage.url}/whip/publish/${participantId}`, token });
  const viewer = await createToken(created?.arn);
  const subscriber = await subscribeLight({ url: `${stage.url}/whep/${participantId}`, token: viewer.token });
  clients.push(publisher, subscriber);
  await until('the first picture', () => subscriber.received().video.frames > 0);
  await publisher.close();
  await subscriber.ended;
});
