import type { Context } from '@aws-appsync/utils';
import { util } from '@aws-appsync/utils';
import { refuseFor, refuseUnknown, wasConditionRefused } from './common/errors.ts';
import { requireId, requireOwner } from './common/input.ts';
import type { VpRecord } from './common/record.ts';
import { toVirtualParticipant } from './common/record.ts';
import { condition, setOnly } from './common/update.ts';

interface Args {
  input: { id: string; owner: string };
}

export function request(ctx: Context<Args>) {
  const id = requireId('input.id', ctx.args.input.id);
  const owner = requireOwner('input.owner', ctx.args.input.owner);
  return {
    operation: 'UpdateItem',
    key: util.dynamodb.toMapValues({ id }),
    update: setOnly({ lastSeenAt: util.time.nowEpochMilliSeconds() }),
    condition: condition('#owner = :owner', ['owner'], { ':owner': owner }),
  };
}

export function response(ctx: Context<Args, object, undefined, undefined, VpRecord | null>) {
  const record = ctx.result;
  const isRefused = wasConditionRefused(ctx.error);
  if (!record) return refuseUnknown(ctx.args.input.id);
  if (isRefused) return refuseFor('STALE_OWNER', `Another process owns "${record.id}" now.`, record);
  return toVirtualParticipant(record, util.time.nowEpochMilliSeconds());
}
