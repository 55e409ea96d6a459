import type { Context } from '@aws-appsync/utils';
import { runtime, util } from '@aws-appsync/utils';
import type { VpStatus } from '../../../machines/status.ts';
import { LEGAL_PREDECESSORS } from '../../../machines/status.ts';
import { refuseUnknown, wasConditionRefused } from '../common/errors.ts';
import { refuseInput } from '../common/input.ts';
import { followsLegally } from '../common/predecessors.ts';
import type { VpRecord } from '../common/record.ts';
import { wasSeen } from '../common/record.ts';
import { SEEN_WITHIN_MS } from '../common/seen.ts';
import { condition, setAndMove } from '../common/update.ts';

export interface KickArgs {
  input: { id: string; epoch?: number | null; reason?: string | null };
}

export interface KickStash {
  /** The container was not heard for too long: the next try ends the invite in its place. */
  isUnseen?: boolean;
  /** What the kick is answered with. */
  answer?: VpRecord;
}

type KickContext = Context<KickArgs, KickStash, undefined, undefined, VpRecord | null>;

const NOT_RESPONDING = {
  code: 'NOT_RESPONDING',
  origin: 'participant',
  retryable: true,
  message: 'The virtual participant was not heard for 30 seconds; the kick ended its invite in its place.',
};

export function request(ctx: KickContext) {
  const { input } = ctx.args;
  const { answer, isUnseen } = ctx.stash;
  if (answer) runtime.earlyReturn(answer);
  const nowMs = util.time.nowEpochMilliSeconds();
  const epoch = input.epoch ?? null;
  const names = ['status'];
  const legally = followsLegally('KICKED', null);
  const bound: Record<string, unknown> = { ...legally.values };
  // Of one that does not answer, also a kick that it did not live to follow.
  if (isUnseen) bound[':kicked'] = 'KICKED';
  let expression = isUnseen ? `(${legally.expression} OR #status = :kicked)` : legally.expression;
  if (epoch !== null) {
    names.push('epoch');
    bound[':epoch'] = epoch;
    expression += ' AND #epoch = :epoch';
  }
  if (!isUnseen) {
    names.push('lastSeenAt');
    bound[':seenSince'] = nowMs - SEEN_WITHIN_MS;
    expression += ' AND #lastSeenAt >= :seenSince';
  }
  return {
    operation: 'UpdateItem',
    key: util.dynamodb.toMapValues({ id: input.id }),
    update: setAndMove({
      status: 'KICKED',
      reason: input.reason ?? 'KICKED',
      failure: isUnseen ? NOT_RESPONDING : null,
      updatedAt: nowMs,
    }),
    condition: condition(expression, names, bound),
  };
}

export function response(ctx: KickContext) {
  const { id, epoch } = ctx.args.input;
  const record = ctx.result;
  const isRefused = wasConditionRefused(ctx.error);
  if (!record) return refuseUnknown(id);
  if (isRefused && epoch && epoch > record.epoch) {
    return refuseInput('input.epoch', `the present epoch, ${record.epoch}, or one before`);
  }
  const isPresent = (epoch ?? record.epoch) === record.epoch;
  const isUnseen = !wasSeen(record, util.time.nowEpochMilliSeconds());
  const isLeft = isUnseen && record.status === 'KICKED' && !record.failure;
  if (isRefused && isPresent && (isLeft || canBeKicked(record.status))) {
    ctx.stash.isUnseen = isUnseen;
  } else {
    ctx.stash.answer = record;
  }
  return record;
}

function canBeKicked(status: VpStatus | undefined): boolean {
  return status !== undefined && LEGAL_PREDECESSORS.KICKED.includes(status);
}
