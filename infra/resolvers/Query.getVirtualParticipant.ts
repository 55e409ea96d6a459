import type { Context } from '@aws-appsync/utils';
import { util } from '@aws-appsync/utils';
import { requireId } from './common/input.ts';
import type { VpRecord } from './common/record.ts';
import { toVirtualParticipant } from './common/record.ts';

export function request(ctx: Context<{ id: string }>) {
  const id = requireId('id', ctx.args.id);
  return { operation: 'GetItem', key: util.dynamodb.toMapValues({ id }), consistentRead: true };
}

export function response(ctx: Context<unknown, object, undefined, undefined, VpRecord | null>) {
  if (ctx.error) return util.error(ctx.error.message, ctx.error.type);
  return ctx.result && toVirtualParticipant(ctx.result, util.time.nowEpochMilliSeconds());
}
