import type { Context } from '@aws-appsync/utils';
import { util } from '@aws-appsync/utils';
import { refuse } from './common/errors.ts';
import { optionalInteger, optionalText, requireId } from './common/input.ts';
import { toVirtualParticipant } from './common/record.ts';
import type { KickArgs, KickStash } from './functions/endInvite.ts';

export function request(ctx: Context<KickArgs>) {
  const { input } = ctx.args;
  requireId('input.id', input.id);
  optionalInteger('input.epoch', input.epoch, 0, 2_147_483_647);
  optionalText('input.reason', input.reason, 256);
  return {};
}

export function response(ctx: Context<KickArgs, KickStash>) {
  const { answer } = ctx.stash;
  if (!answer) return refuse('CONTENTION', `"${ctx.args.input.id}" changed meanwhile. Kick again.`, {});
  return toVirtualParticipant(answer, util.time.nowEpochMilliSeconds());
}
