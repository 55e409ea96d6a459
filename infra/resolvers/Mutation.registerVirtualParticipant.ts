import type { Context } from '@aws-appsync/utils';
import { util } from '@aws-appsync/utils';
import { requireId, requireOwner } from './common/input.ts';
import type { VpRecord } from './common/record.ts';
import { toVirtualParticipant } from './common/record.ts';

interface Args {
  input: { id: string; owner: string };
}

export function request(ctx: Context<Args>) {
  requireId('input.id', ctx.args.input.id);
  requireOwner('input.owner', ctx.args.input.owner);
  return {};
}

export function response(ctx: Context<Args, object, { result: VpRecord }>) {
  return toVirtualParticipant(ctx.prev.result, util.time.nowEpochMilliSeconds());
}
