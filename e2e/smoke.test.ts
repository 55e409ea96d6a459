import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ListStagesCommand } from '@aws-sdk/client-ivs-realtime';
import { DEFAULT_API_KEY } from '../infra/local/appsync/server.ts';
import { startJsonService } from '../infra/local/json-service.ts';
import type { VirtualParticipant } from './support/virtual-participant.ts';
import { startWholeSystem, type WholeSystem } from './support/whole-system.ts';

let system: WholeSystem;

beforeAll(async () => {
  system = await startWholeSystem();
}, 60_000);
afterAll(async () => {
  await system.close();
}, 60_000);

const SMOKE = fileURLToPath(new URL('../infra/aws/smoke.ts', import.meta.url));

interface Run {
  args: readonly string[];
  environment?: Readonly<Record<string, string>>;
  /** Takes each line as it comes. */
  onLine?: (line: string, child: ChildProcess) => void;
}

/** Runs the smoke test as a person does, against what is on this machine. */
async function smoke({ args, environment = {}, onLine }: Run): Promise<{ code: number | null; lines: string[] }> {
  const { GRAPHQL_API_URL: url = '', ...settings } = system.services.environment;
  const child = spawn(process.execPath, ['--import', 'tsx', SMOKE, '--graphql-api-url', url, ...args], {
    env: { PATH: process.env['PATH'], ...settings, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const output of [child.stdout, child.stderr]) {
    output.on('data', (data) => {
      text += data;
      onLine?.(String(data), child);
    });
  }
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  // The times differ each time.
  return { code, lines: text.split('\n').map((line) => line.trimEnd().replace(/\d+\.\d s$/, 'n s')) };
}

/** ECS as it would be seen: one place more is wanted, and one task is protected, while the virtual participant is busy. */
function startEcs(vp: VirtualParticipant) {
  const isTaken = () => vp.seen.at(-1)?.status !== 'AVAILABLE';
  const service = () => ({ desiredCount: isTaken() ? 3 : 2, runningCount: 2, pendingCount: isTaken() ? 1 : 0 });
  const tasks = ['arn:aws:ecs:us-west-2:123456789012:task/vp/1', 'arn:aws:ecs:us-west-2:123456789012:task/vp/2'];
  return startJsonService({
    DescribeServices: () => ({ services: [service()] }),
    ListTasks: () => ({ taskArns: tasks }),
    GetTaskProtection: () => ({
      protectedTasks: tasks.map((taskArn, index) => ({ taskArn, protectionEnabled: index === 0 && isTaken() })),
    }),
  });
}

const stages = async () => (await system.ivs.send(new ListStagesCommand({}))).stages?.map(({ arn }) => arn);

const said = (kind: string, name: string, rest = 'n s') => `${kind.padEnd(4)}  ${name.padEnd(52)}  ${rest}`;

describe('The smoke test', () => {
  it('says why when no virtual participant is AVAILABLE, what to look at, and ends with code 1', async () => {
    expect(await smoke({ args: ['--available-within', '0.5'] })).toEqual({
      code: 1,
      lines: [
        said('ok', 'subscription is acknowledged'),
        said('FAIL', 'a virtual participant is AVAILABLE', 'not within 0.5 s; last seen: nobody ever registered'),
        "      look at: the events of the ECS service, the task's stopped reason, and the log group of the service",
        '',
        '1 ok, 1 failed, 0 skipped',
        '',
      ],
    });
  });

  it('passes against the real server on a local stage and AppSync, and leaves nothing behind', async () => {
    const vp = await system.start('smoked');
    await vp.until('AVAILABLE');
    const ecs = await startEcs(vp);
    const args = ['--api-key', DEFAULT_API_KEY, '--cluster', 'vp', '--service', 'pool', '--asset-bucket', 'uploads'];
    const run = await smoke({ args, environment: { AWS_ENDPOINT_URL_ECS: ecs.url } });
    await ecs.close();
    expect(run).toEqual({
      code: 0,
      lines: [
        said('ok', 'subscription is acknowledged'),
        said('ok', 'a virtual participant is AVAILABLE'),
        said('ok', 'stage created'),
        said('ok', 'ECS service is there'),
        said('ok', 'invite is taken'),
        said('ok', 'invite to CONNECTED'),
        said('ok', 'invite to PUBLISHED'),
        said('ok', 'IVS says that the participant is published'),
        said('ok', 'its task is protected'),
        said('ok', 'desired count rose by its place'),
        said('ok', 'kick to AVAILABLE'),
        said('ok', 'kick to IVS saying that the participant has left'),
        said('ok', 'protection and desired count are given back'),
        said('ok', 'test card uploaded'),
        said('ok', 'invite is taken'),
        said('ok', 'invite with an asset from S3 to CONNECTED'),
        said('ok', 'invite with an asset from S3 to PUBLISHED'),
        said('ok', 'it is the asset that is played'),
        said('ok', 'kick to AVAILABLE'),
        said('ok', 'invite is taken'),
        said('ok', 'invite to no stage to ERRORED, STAGE_NOT_FOUND'),
        said('ok', 'AVAILABLE again after the failure'),
        said('ok', 'register is refused to who is no task'),
        '',
        '23 ok, 0 failed, 0 skipped',
        '',
      ],
    });
    expect([vp.seen.at(-1)?.status, await stages()]).toEqual(['AVAILABLE', [system.stageArn]]);

    const again = await smoke({ args: ['--stage-arn', system.stageArn] });
    expect([again.code, again.lines]).toEqual([
      0,
      expect.arrayContaining([
        said('ok', 'stage is there'),
        said('ok', 'invite to PUBLISHED'),
        said('skip', 'invite to no stage to ERRORED, STAGE_NOT_FOUND', 'not with --stage-arn'),
        said('skip', 'register is refused to who is no task', 'needs --caller-role'),
      ]),
    ]);
    expect(await stages()).toEqual([system.stageArn]);
    await vp.close();
  }, 60_000);

  it('deletes its stage and ends its invite also when it is interrupted', async () => {
    const vp = await system.start('interrupted');
    await vp.until('AVAILABLE');
    const { code, lines } = await smoke({
      args: [],
      onLine: (line, child) => {
        if (line.includes('invite to CONNECTED')) child.kill('SIGINT');
      },
    });
    expect(code).toBe(1);
    expect(lines.filter((line) => line.startsWith('FAIL'))).toEqual([expect.stringContaining('Interrupted.')]);
    await vp.until('AVAILABLE');
    expect(await stages()).toEqual([system.stageArn]);
    await vp.close();
  }, 60_000);
});
