import { DynamoDBClient, paginateScan } from '@aws-sdk/client-dynamodb';
import { DescribeServicesCommand, ECSClient, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import type { VpStatus } from '../../../machines/status.ts';
import { SEEN_WITHIN_MS } from '../../resolvers/common/seen.ts';
import { countPool, desiredCount, isAtMaximum, type PoolCounts, type PoolLimits, type PoolRecord } from './policy.ts';

export interface ScalerSettings extends PoolLimits {
  /** Name or ARN of the virtual participants' table. */
  readonly table: string;
  /** Name or ARN of the cluster. */
  readonly cluster: string;
  /** Name of the service: also the dimension of the metrics. */
  readonly service: string;
  /** Namespace of the metrics. */
  readonly namespace: string;
}

export interface ScalerPorts {
  readonly dynamoDb: DynamoDBClient;
  readonly ecs: ECSClient;
  /** Milliseconds since 1970. Default: the system's clock. */
  readonly now?: () => number;
  /** Takes each line of the log. Default: stdout as it is, since what `console` adds would hide the metrics. */
  readonly write?: (line: string) => void;
}

/** What each run writes as metrics; `AtMaximum` is 1 when `maxTasks` keeps the pool from having `minAvailable` places free. */
export type PoolMetric = 'Free' | 'Taken' | 'Desired' | 'AtMaximum';

/** For one request. The SDK tries three times, and the stream again after that. */
const TIMEOUTS = { requestHandler: { connectionTimeout: 1_000, requestTimeout: 3_000, throwOnRequestTimeout: true } };

let scale: (() => Promise<void>) | undefined;

/**
 * The Lambda function behind the table's stream, filtered by `STATUS_CHANGE_PATTERN`. What has changed is no matter: it
 * counts the whole pool and sets the service's desired count, so that a batch may be lost, late, repeated or in any order
 * as long as one comes after the last change.
 *
 * It must run one at a time (a reserved concurrency of one) and nobody else may set the count: two at once could each
 * write what the other has just made wrong.
 *
 * @throws {Error} if a setting is missing or wrong, DynamoDB or ECS cannot be reached, or there is no such service. The
 *   event source mapping then sends the batch again.
 */
export async function handler(): Promise<void> {
  scale ??= createScaler(readSettings(process.env), {
    dynamoDb: new DynamoDBClient(TIMEOUTS),
    ecs: new ECSClient(TIMEOUTS),
  });
  await scale();
}

/** Reads the settings of the function. @throws {Error} that names each one that is missing or wrong */
export function readSettings(env: NodeJS.ProcessEnv): ScalerSettings {
  const problems: string[] = [];
  const text = (name: string): string => {
    const value = env[name]?.trim() ?? '';
    if (value === '') problems.push(`${name} is not set.`);
    return value;
  };
  const count = (name: string, least: number): number => {
    const value = text(name);
    if (value !== '' && !(/^\d{1,6}$/.test(value) && Number(value) >= least)) {
      problems.push(`${name} is ${JSON.stringify(value)}; expected a whole number from ${least}.`);
    }
    return Number(value);
  };
  const settings = {
    table: text('VIRTUAL_PARTICIPANT_TABLE'),
    cluster: text('CLUSTER'),
    service: text('SERVICE'),
    minAvailable: count('MIN_AVAILABLE', 0),
    maxTasks: count('MAX_TASKS', 1),
    namespace: env['METRICS_NAMESPACE']?.trim() || 'VirtualParticipant',
  };
  if (problems.length > 0) throw new Error(problems.join(' '));
  return settings;
}

/** What sets the desired count once, by what the table says at that moment. */
export function createScaler(settings: ScalerSettings, ports: ScalerPorts): () => Promise<void> {
  const { now = Date.now, write = (line) => void process.stdout.write(`${line}\n`) } = ports;
  return async () => {
    const [counts, present] = await Promise.all([
      count(ports.dynamoDb, settings.table, now),
      presentCount(ports.ecs, settings),
    ]);
    const desired = present === null ? null : desiredCount(counts, settings, present);
    if (desired !== null && desired !== present) {
      const { cluster, service } = settings;
      await ports.ecs.send(new UpdateServiceCommand({ cluster, service, desiredCount: desired }));
    }
    write(logLine(settings, counts, present, desired, now()));
  };
}

/**
 * Reads all of the table, and consistently: the change that led here is in it. An index is only told of a change later,
 * and then nothing would come to say so.
 */
async function count(client: DynamoDBClient, table: string, now: () => number): Promise<PoolCounts> {
  const records: PoolRecord[] = [];
  const pages = paginateScan(
    { client },
    {
      TableName: table,
      ConsistentRead: true,
      ProjectionExpression: '#status, #lastSeenAt',
      FilterExpression: '#lastSeenAt >= :since',
      ExpressionAttributeNames: { '#status': 'status', '#lastSeenAt': 'lastSeenAt' },
      ExpressionAttributeValues: { ':since': { N: String(now() - SEEN_WITHIN_MS) } },
    },
  );
  for await (const { Items = [] } of pages) {
    for (const { status, lastSeenAt } of Items) {
      const isReady = status?.S !== undefined;
      records.push({ ...(isReady && { status: status.S as VpStatus }), lastSeenAt: Number(lastSeenAt?.N) });
    }
  }
  return countPool(records, now());
}

/** @returns null for a service that is being deleted: there is nothing to scale any more */
async function presentCount(client: ECSClient, { cluster, service }: ScalerSettings): Promise<number | null> {
  const { services = [], failures = [] } = await client.send(
    new DescribeServicesCommand({ cluster, services: [service] }),
  );
  const [found] = services;
  if (found?.desiredCount === undefined) {
    const reasons = failures.map(({ reason }) => reason).join(', ') || 'no answer';
    throw new Error(`SERVICE is ${service}, CLUSTER is ${cluster}; expected a service of it, found ${reasons}.`);
  }
  return found.status === 'ACTIVE' ? found.desiredCount : null;
}

/** A line for the log that CloudWatch takes metrics from ("Specification: Embedded metric format"). */
function logLine(
  settings: ScalerSettings,
  counts: PoolCounts,
  present: number | null,
  desired: number | null,
  nowMs: number,
): string {
  const { namespace, service, minAvailable, maxTasks } = settings;
  const metrics: Partial<Record<PoolMetric, number>> = {
    Free: counts.free,
    Taken: counts.taken,
    ...(desired !== null && { Desired: desired }),
    AtMaximum: isAtMaximum(counts, settings) ? 1 : 0,
  };
  return JSON.stringify({
    _aws: {
      Timestamp: nowMs,
      CloudWatchMetrics: [
        {
          Namespace: namespace,
          Dimensions: [['Service']],
          Metrics: Object.keys(metrics).map((Name) => ({ Name, Unit: 'Count' })),
        },
      ],
    },
    Service: service,
    ...metrics,
    message: desired === null ? 'The service is being deleted.' : `Desired count ${present} -> ${desired}.`,
    present,
    minAvailable,
    maxTasks,
  });
}
