import type { Context } from '@aws-appsync/utils';
import { runtime, util } from '@aws-appsync/utils';
import { LEGAL_PREDECESSORS } from '../../../machines/status.ts';
import { refuse, wasConditionRefused } from '../common/errors.ts';
import type { VpRecord } from '../common/record.ts';
import { NO_EVIDENCE, NO_INVITE } from '../common/record.ts';
import { condition, setAndMove } from '../common/update.ts';

interface Args {
  input: { id: string; owner: string };
}

/** Makes the caller the owner of the record that was just read, and ends what the owner before it had left. */
export function request(ctx: Context<Args, object, { result: VpRecord | null }>) {
  const { id, owner } = ctx.args.input;
  const found = ctx.prev.result;
  if (found && found.owner === owner) runtime.earlyReturn(found);
  const nowMs = util.time.nowEpochMilliSeconds();
  const values: Record<string, unknown> = { owner, sequence: 0, updatedAt: nowMs, lastSeenAt: nowMs };
  if (!found) {
    Object.assign(values, { epoch: 0 }, NO_INVITE, NO_EVIDENCE);
  } else if (found.status === 'AVAILABLE') {
    Object.assign(values, { status: 'STOPPED', reason: 'REPLACED' });
  } else if (found.status && LEGAL_PREDECESSORS.KICKED.includes(found.status)) {
    Object.assign(values, {
      status: 'ERRORED',
      epoch: found.epoch + 1,
      reason: 'REPLACED',
      failure: {
        code: 'REPLACED',
        origin: 'participant',
        retryable: true,
        message: 'The process that held the invite was replaced before the invite had ended. Invite again.',
      },
    });
  }
  return {
    operation: 'UpdateItem',
    key: util.dynamodb.toMapValues({ id }),
    update: setAndMove(values),
    condition: found
      ? condition('#version = :version', ['version'], { ':version': found.version })
      : condition('attribute_not_exists(#id)', ['id'], {}),
  };
}

export function response(ctx: Context<Args, object, { result: VpRecord | null }, undefined, VpRecord>) {
  if (wasConditionRefused(ctx.error)) {
    return refuse('CONTENTION', `"${ctx.args.input.id}" changed meanwhile. Register again.`, {});
  }
  return ctx.result;
}
