import type { Context } from '@aws-appsync/utils';
import { runtime, util } from '@aws-appsync/utils';
import { refuse } from '../common/errors.ts';
import type { InviteArgs, InviteStash, InviteToken } from '../common/invite.ts';
import { fingerprint } from '../common/invite.ts';

type ReplayContext = Context<InviteArgs, InviteStash, undefined, undefined, InviteToken | null>;

/** Looks up the invite that this one repeats, by its `clientToken`. */
export function request(ctx: ReplayContext) {
  const { clientToken } = ctx.args.input;
  if (!clientToken) runtime.earlyReturn(null);
  return { operation: 'GetItem', key: util.dynamodb.toMapValues({ clientToken }), consistentRead: true };
}

export function response(ctx: ReplayContext) {
  if (ctx.error) return util.error(ctx.error.message, ctx.error.type);
  const token = ctx.result;
  // DynamoDB deletes an expired item some time after, not at once.
  if (!token || token.expiresAt < util.time.nowEpochSeconds()) return null;
  if (token.request !== fingerprint(ctx.stash, ctx.args.input.id)) {
    return refuse('IDEMPOTENCY_MISMATCH', 'input.clientToken: it came with other input before. Use a new one.', {});
  }
  ctx.stash.replay = token.answer;
  return token.answer;
}
