import { fileURLToPath } from 'node:url';
import { DynamoDBClient, PutItemCommand } from '@aws-sdk/client-dynamodb';
import { ECSClient } from '@aws-sdk/client-ecs';
import { jest } from '@jest/globals';
import { build } from 'esbuild';
import { TABLE_NAMES } from '../../local/appsync/dynamodb/tables.ts';
import { OWNER, STAGE_ARN, startControlPlane } from '../../local/appsync/testing/control-plane.ts';
import { startDatabase, type TestDatabase } from '../../local/appsync/testing/database.ts';
import { waysTo } from '../../local/appsync/testing/ways.ts';
import { type LocalEcs, startEcs } from '../../local/ecs.ts';
import { createScaler, handler, readSettings, type ScalerSettings } from './scaler.ts';

const SETTINGS: ScalerSettings = {
  table: TABLE_NAMES.virtualParticipants,
  cluster: 'vps',
  service: 'pool',
  minAvailable: 2,
  maxTasks: 5,
  namespace: 'Test',
};
const LOCAL = { region: 'eu-west-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };

let database: TestDatabase;
let plane: Awaited<ReturnType<typeof startControlPlane>>;
let ways: ReturnType<typeof waysTo>;
let ecs: LocalEcs;
let lines: string[];
let clients: { dynamoDb: DynamoDBClient; ecs: ECSClient };
let scale: () => Promise<void>;

beforeEach(async () => {
  [database, ecs] = await Promise.all([startDatabase(), startEcs()]);
  plane = await startControlPlane(database.url);
  ways = waysTo(plane);
  lines = [];
  ecs.services.set('vps/pool', { desiredCount: 1, status: 'ACTIVE' });
  clients = {
    dynamoDb: new DynamoDBClient({ ...LOCAL, endpoint: database.url }),
    ecs: new ECSClient({ ...LOCAL, endpoint: ecs.url }),
  };
  scale = createScaler(SETTINGS, { ...clients, now: () => plane.clock.nowMs, write: (line) => lines.push(line) });
});

afterEach(async () => {
  clients.dynamoDb.destroy();
  clients.ecs.destroy();
  await plane.close();
  await Promise.all([database.close(), ecs.close()]);
});

const desired = () => ecs.services.get('vps/pool')?.desiredCount;
const updates = () => ecs.calls.filter(({ operation }) => operation === 'UpdateService');

test('the first task that becomes AVAILABLE brings the others', async () => {
  await ways.AVAILABLE('vp-1');
  await scale();
  expect(updates()).toEqual([
    { operation: 'UpdateService', input: { cluster: 'vps', service: 'pool', desiredCount: 2 } },
  ]);
});

test('the count follows invites and kicks, up to the maximum and back', async () => {
  for (const id of ['vp-1', 'vp-2', 'vp-3', 'vp-4']) await ways.AVAILABLE(id);
  const counts: unknown[] = [];
  const step = async (change?: Promise<unknown>) => {
    await change;
    await scale();
    counts.push(desired());
  };
  await step();
  await step(plane.caller.invite({ stageArn: STAGE_ARN, id: 'vp-1' }));
  await step(plane.caller.invite({ stageArn: STAGE_ARN, id: 'vp-2' }));
  await step(plane.caller.invite({ stageArn: STAGE_ARN, id: 'vp-3' }));
  await step(plane.caller.invite({ stageArn: STAGE_ARN, id: 'vp-4' }));
  await step(plane.caller.kick({ id: 'vp-1' }));
  for (const id of ['vp-1', 'vp-2', 'vp-3', 'vp-4']) {
    await plane.caller.kick({ id });
    await step(plane.container.report({ id, owner: OWNER, epoch: 1, status: 'AVAILABLE' }));
  }
  expect(counts).toEqual([2, 3, 4, 5, 5, 5, 5, 5, 4, 2]);
});

test('a count that is right already is left alone', async () => {
  await ways.AVAILABLE('vp-1');
  await scale();
  await scale();
  expect(updates()).toHaveLength(1);
});

test('one that died in the middle of its invite is not counted any more once another is there in its place', async () => {
  await ways.PUBLISHED('vp-dead');
  await ways.AVAILABLE('vp-1');
  await ways.AVAILABLE('vp-2');
  await scale();
  expect(desired()).toBe(3);
  plane.clock.nowMs += 30_001;
  for (const id of ['vp-1', 'vp-2']) await plane.container.heartbeat({ id, owner: OWNER });
  await scale();
  expect(desired()).toBe(3);
  await ways.AVAILABLE('vp-instead');
  await scale();
  expect(desired()).toBe(2);
});

test('a table of more than one page is counted as a whole, and consistently', async () => {
  await ways.PUBLISHED('vp-0');
  const image = await database.imageOf('vp-0');
  // A page ends at 1 MiB: these make three.
  for (const id of ['vp-1', 'vp-2', 'vp-3', 'vp-4', 'vp-5', 'vp-6']) {
    const Item = { ...image, id: { S: id }, padding: { S: 'x'.repeat(350_000) } };
    await database.client.send(new PutItemCommand({ TableName: SETTINGS.table, Item }));
  }
  const reads: unknown[] = [];
  clients.dynamoDb.middlewareStack.add(
    (next) => (args) => {
      reads.push((args.input as { ConsistentRead?: boolean }).ConsistentRead);
      return next(args);
    },
    { step: 'initialize' },
  );
  await scale();
  expect(reads).toEqual([true, true, true]);
  expect(JSON.parse(lines[0] ?? '')['Taken']).toBe(7);
});

test('each run writes one line, which is the metrics as CloudWatch takes them', async () => {
  await ways.AVAILABLE('vp-1');
  for (const id of ['vp-2', 'vp-3', 'vp-4', 'vp-5']) await ways.PUBLISHED(id);
  await scale();
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    {
      _aws: {
        Timestamp: plane.clock.nowMs,
        CloudWatchMetrics: [
          {
            Namespace: 'Test',
            Dimensions: [['Service']],
            Metrics: ['Free', 'Taken', 'Desired', 'AtMaximum'].map((Name) => ({ Name, Unit: 'Count' })),
          },
        ],
      },
      Service: 'pool',
      Free: 1,
      Taken: 4,
      Desired: 5,
      AtMaximum: 1,
      message: 'Desired count 1 -> 5.',
      present: 1,
      minAvailable: 2,
      maxTasks: 5,
    },
  ]);
});

test('a throttled call is tried again', async () => {
  await ways.AVAILABLE('vp-1');
  ecs.fail('UpdateService', 'before', 2, 'ThrottlingException');
  await scale();
  expect(desired()).toBe(2);
});

test('what fails for good is thrown, so that the stream sends the batch again', async () => {
  await ways.AVAILABLE('vp-1');
  ecs.fail('UpdateService', 'before');
  await expect(scale()).rejects.toThrow('UpdateService was told to fail.');
  await scale();
  expect(desired()).toBe(2);
});

test('a service that is not there is named', async () => {
  ecs.services.clear();
  await expect(scale()).rejects.toThrow('SERVICE is pool, CLUSTER is vps; expected a service of it, found MISSING.');
});

test('a service that is being deleted is left alone', async () => {
  ecs.services.set('vps/pool', { desiredCount: 0, status: 'DRAINING' });
  await ways.AVAILABLE('vp-1');
  await scale();
  expect([updates(), JSON.parse(lines[0] ?? '')['message']]).toEqual([[], 'The service is being deleted.']);
});

test('the function finds table, cluster, service and limits in its environment', async () => {
  await ways.AVAILABLE('vp-1');
  const before = { ...process.env };
  Object.assign(process.env, {
    VIRTUAL_PARTICIPANT_TABLE: SETTINGS.table,
    CLUSTER: 'vps',
    SERVICE: 'pool',
    MIN_AVAILABLE: '4',
    MAX_TASKS: '5',
    AWS_REGION: LOCAL.region,
    AWS_ACCESS_KEY_ID: LOCAL.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL.credentials.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: database.url,
    AWS_ENDPOINT_URL_ECS: ecs.url,
  });
  const written = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await handler();
    expect(JSON.parse(String(written.mock.calls[0]?.[0]))['_aws'].CloudWatchMetrics[0].Namespace).toBe(
      'VirtualParticipant',
    );
  } finally {
    written.mockRestore();
    process.env = before;
  }
  expect(desired()).toBe(4);
});

test('every setting that is missing or wrong is named', () => {
  expect(() => readSettings({ CLUSTER: 'vps', SERVICE: 'pool', MIN_AVAILABLE: '-1', MAX_TASKS: '0' })).toThrow(
    'VIRTUAL_PARTICIPANT_TABLE is not set. MIN_AVAILABLE is "-1"; expected a whole number from 0.' +
      ' MAX_TASKS is "0"; expected a whole number from 1.',
  );
});

test('bundled for Lambda it needs nothing but the two clients of the AWS SDK, which are there', async () => {
  const entry = fileURLToPath(new URL('./scaler.ts', import.meta.url));
  const { metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    format: 'esm',
    external: ['@aws-sdk/*'],
  });
  const [output] = Object.values(metafile.outputs);
  expect(output?.imports.map(({ path }) => path)).toEqual(['@aws-sdk/client-dynamodb', '@aws-sdk/client-ecs']);
});
