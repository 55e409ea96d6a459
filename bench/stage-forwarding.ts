/**
 * What it costs the local stage to forward: CPU time of the stage's process with 12 publishers at 2.5 Mbit/s, under a
 * growing number of subscribers. The clients run in this process.
 *
 *     npx tsx bench/stage-forwarding.ts [--seconds 5] [--publishers 12] [--subscribers 0,12,30]
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import {
  type LightPublisher,
  type LightSubscriber,
  publishLight,
  subscribeLight,
} from '../e2e/support/light-client.ts';
import { startStage } from '../infra/local/stage/server.ts';

interface Measurement {
  publishers: number;
  subscribers: number;
  /** Of one core, used by the stage's process. */
  cores: number;
  packetsInPerSecond: number;
  packetsOutPerSecond: number;
  /** CPU time of the stage for each packet that came in or went out. */
  microsecondsPerPacket: number;
  /** Packets that subscribers missed, of those sent to them. */
  lost: number;
  residentMb: number;
}

type StageReply = { url: string } | { cpuMs: number; residentMb: number };

if (process.argv.includes('--stage')) await serveStage();
else await measureAll();

async function serveStage(): Promise<void> {
  const stage = await startStage({ port: 0, controlPort: 0 });
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send?.({ cpuMs: (user + system) / 1_000, residentMb: process.memoryUsage.rss() / 2 ** 20 });
  });
  process.on('disconnect', () => process.exit());
  process.send?.({ url: stage.url });
}

async function measureAll(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '5' },
      publishers: { type: 'string', default: '12' },
      subscribers: { type: 'string', default: '0,12,30' },
      stage: { type: 'boolean' },
    },
  });
  const seconds = Number(values.seconds);
  const steps = values.subscribers.split(',').map(Number);
  const child = fork(fileURLToPath(import.meta.url), ['--stage'], {
    execArgv: [...process.execArgv, ...(process.env['STAGE_EXEC_ARGV'] ?? '').split(' ').filter(Boolean)],
  });
  const ask = async (): Promise<StageReply> => {
    const [reply] = await once(child, 'message', { signal: AbortSignal.timeout(20_000) });
    return reply;
  };
  const started = await ask();
  if (!('url' in started)) throw new Error('stage: expected its URL first');
  const usage = async () => {
    child.send('usage');
    const reply = await ask();
    if (!('cpuMs' in reply)) throw new Error('stage: expected its usage');
    return reply;
  };

  const { url } = started;
  const stageArn: string = (await call(url, 'CreateStage', {})).stage.arn;
  const joinToken = async () => (await call(url, 'CreateParticipantToken', { stageArn })).participantToken;
  const publishers: { id: string; client: LightPublisher }[] = [];
  for (let index = 0; index < Number(values.publishers); index += 1) {
    const { participantId, token } = await joinToken();
    const client = await publishLight({ url: `${url}/whip/publish/${participantId}`, token });
    publishers.push({ id: participantId, client });
  }
  const subscribers: LightSubscriber[] = [];
  const measurements: Measurement[] = [];
  for (const count of steps) {
    while (subscribers.length < count) {
      const publisher = publishers[subscribers.length % publishers.length];
      if (publisher === undefined) throw new Error('--publishers: expected at least 1');
      const { token } = await joinToken();
      subscribers.push(await subscribeLight({ url: `${url}/whep/${publisher.id}`, token }));
    }
    measurements.push(
      await measure(
        seconds,
        usage,
        publishers.map(({ client }) => client),
        subscribers,
      ),
    );
  }
  console.table(measurements);
  console.log(JSON.stringify({ bench: 'stage-forwarding', seconds, measurements }));
  await Promise.all([...publishers.map(({ client }) => client.vanish()), ...subscribers.map((one) => one.vanish())]);
  child.disconnect();
}

async function measure(
  seconds: number,
  usage: () => Promise<{ cpuMs: number; residentMb: number }>,
  publishers: LightPublisher[],
  subscribers: LightSubscriber[],
): Promise<Measurement> {
  const sent = () => sum(publishers.map((one) => one.sent().audio.packets + one.sent().video.packets));
  const received = () => sum(subscribers.map((one) => one.received().audio.packets + one.received().video.packets));
  const lost = () => sum(subscribers.map((one) => one.received().audio.lost + one.received().video.lost));
  const before = { at: performance.now(), ...(await usage()), sent: sent(), received: received(), lost: lost() };
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
  const after = { at: performance.now(), ...(await usage()), sent: sent(), received: received(), lost: lost() };
  const elapsedS = (after.at - before.at) / 1_000;
  const cpuMs = after.cpuMs - before.cpuMs;
  const packets = after.sent - before.sent + after.received - before.received;
  return {
    publishers: publishers.length,
    subscribers: subscribers.length,
    cores: round(cpuMs / 1_000 / elapsedS, 3),
    packetsInPerSecond: round((after.sent - before.sent) / elapsedS, 0),
    packetsOutPerSecond: round((after.received - before.received) / elapsedS, 0),
    microsecondsPerPacket: round((cpuMs * 1_000) / packets, 1),
    lost: after.lost - before.lost,
    residentMb: round(after.residentMb, 0),
  };
}

async function call(url: string, operation: string, body: object) {
  const response = await fetch(`${url}/${operation}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(5_000),
  });
  if (!response.ok) throw new Error(`${operation}: expected 200, got ${response.status}: ${await response.text()}`);
  return response.json();
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
