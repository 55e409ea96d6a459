import { util } from '@aws-appsync/utils';
import type { VpRecord } from './record.ts';

/** Every error type of our own; README.md of this folder says what each means and what its receiver should do. */
export type ErrorType =
  | 'BAD_INPUT'
  | 'NOT_FOUND'
  | 'NOT_AVAILABLE'
  | 'NO_CAPACITY'
  | 'CONTENTION'
  | 'IDEMPOTENCY_MISMATCH'
  | 'STALE_OWNER'
  | 'STALE_EPOCH'
  | 'ILLEGAL_TRANSITION';

/** Whether the same request can succeed when it is sent again. */
export const RETRYABLE: Readonly<Record<ErrorType, boolean>> = {
  BAD_INPUT: false,
  NOT_FOUND: false,
  NOT_AVAILABLE: false,
  NO_CAPACITY: true,
  CONTENTION: true,
  IDEMPOTENCY_MISMATCH: false,
  STALE_OWNER: false,
  STALE_EPOCH: false,
  ILLEGAL_TRANSITION: false,
};

/** Ends the request with a typed error; `errorInfo` holds `retryable` and `facts`. */
export function refuse(type: ErrorType, message: string, facts: Record<string, unknown>): never {
  return util.error(message, type, null, { retryable: RETRYABLE[type], ...facts });
}

/** Ends the request because of a conflict with `record`, and says how that stands. */
export function refuseFor(type: ErrorType, message: string, record: VpRecord): never {
  const { status, epoch, version } = record;
  return refuse(type, message, { status: status ?? null, epoch, version });
}

export function refuseUnknown(id: string): never {
  return refuse('NOT_FOUND', `No virtual participant "${id}" is registered.`, { id });
}

/** Whether a write was refused by its own condition; any other error of the data source ends the request. */
export function wasConditionRefused(error: { message: string; type: string } | undefined): boolean {
  if (!error) return false;
  if (error.type === 'DynamoDB:ConditionalCheckFailedException') return true;
  return util.error(error.message, error.type);
}
