import { HEARTBEAT_INTERVAL_MS } from '../../server/appsync/control-plane.ts';
import { READ_INTERVAL_MS } from '../../server/appsync/reader.ts';

/**
 * List prices of us-east-1 in US dollars, as last read in November 2026. Fargate's are for Linux on x86; it counts by the
 * second, from the pull of the image on, and at least one minute ("AWS Fargate Pricing").
 */
export const FARGATE_USD_PER_VCPU_HOUR = 0.04048;
export const FARGATE_USD_PER_GB_HOUR = 0.004445;
/** "Amazon VPC pricing": a public IPv4 address that is in use. */
export const PUBLIC_IPV4_USD_PER_HOUR = 0.005;
/** "AWS AppSync pricing": a query or a mutation. */
export const APPSYNC_USD_PER_OPERATION = 4 / 1e6;
/** "Pricing for On-Demand Capacity" of DynamoDB: a write of up to 1 KB, a consistent read of up to 4 KB. */
export const DYNAMODB_USD_PER_WRITE = 0.625 / 1e6;
export const DYNAMODB_USD_PER_READ = 0.125 / 1e6;

/** A heartbeat writes the record, and in the index takes its old place away and writes the new one. */
const WRITES_PER_HEARTBEAT = 3;

export interface TaskSize {
  readonly vcpu: number;
  readonly memoryGb: number;
}

/** An hour of one task at Fargate, in US dollars. */
export function taskUsdPerHour({ vcpu, memoryGb }: TaskSize): number {
  return vcpu * FARGATE_USD_PER_VCPU_HOUR + memoryGb * FARGATE_USD_PER_GB_HOUR;
}

/** What heartbeats and the reading of its record take of a virtual participant in an hour, in US dollars. */
export function controlPlaneUsdPerHour(): number {
  const [heartbeats, reads] = [3_600_000 / HEARTBEAT_INTERVAL_MS, 3_600_000 / READ_INTERVAL_MS];
  return (
    heartbeats * (APPSYNC_USD_PER_OPERATION + WRITES_PER_HEARTBEAT * DYNAMODB_USD_PER_WRITE) +
    reads * (APPSYNC_USD_PER_OPERATION + DYNAMODB_USD_PER_READ)
  );
}

/**
 * An hour of one place, free or publishing, in US dollars: a task is billed by its size, whatever it does. Without what
 * traffic and IVS itself may cost.
 */
export function placeUsdPerHour(size: TaskSize): number {
  return taskUsdPerHour(size) + PUBLIC_IPV4_USD_PER_HOUR + controlPlaneUsdPerHour();
}
