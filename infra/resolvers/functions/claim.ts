import type { Context } from '@aws-appsync/utils';
import { runtime, util } from '@aws-appsync/utils';
import { wasConditionRefused } from '../common/errors.ts';
import type { InviteArgs, InviteStash } from '../common/invite.ts';
import { fingerprint, refuseUnlessFree } from '../common/invite.ts';
import type { VpRecord } from '../common/record.ts';
import { NO_EVIDENCE } from '../common/record.ts';
import { SEEN_WITHIN_MS } from '../common/seen.ts';
import { condition, setAndMove } from '../common/update.ts';

interface Cancelled {
  cancellationReasons?: { type: string }[] | null;
}

type ClaimContext = Context<InviteArgs, InviteStash, undefined, undefined, VpRecord | Cancelled | null>;

const TOKEN_LIFE_SECONDS = 24 * 60 * 60;

/** Tries the next candidate: one write, which with a `clientToken` is one transaction with the record of the token. */
export function request(ctx: ClaimContext) {
  const { answer, candidates, invite, isTokenTaken } = ctx.stash;
  const candidate = (candidates ?? [])[0];
  if (answer || isTokenTaken || !candidate) return runtime.earlyReturn(null);
  const { id, clientToken } = ctx.args.input;
  const nowMs = util.time.nowEpochMilliSeconds();
  const values = {
    ...invite,
    ...NO_EVIDENCE,
    status: 'INVITED' as const,
    epoch: candidate.epoch + 1,
    updatedAt: nowMs,
  };
  const key = util.dynamodb.toMapValues({ id: candidate.id });
  const update = setAndMove(values);
  ctx.stash.attempt = { ...candidate, ...values, version: candidate.version + 1 };
  // The version stands for all that was read: after a transaction the answer is what was read with what was set.
  const isFree = condition(
    '#status = :available AND #lastSeenAt >= :seenSince AND #version = :version',
    ['status', 'lastSeenAt', 'version'],
    { ':available': 'AVAILABLE', ':seenSince': nowMs - SEEN_WITHIN_MS, ':version': candidate.version },
  );
  if (!clientToken) return { operation: 'UpdateItem', key, update, condition: isFree };

  const nowSeconds = util.time.nowEpochSeconds();
  const isUnused = condition('attribute_not_exists(#clientToken) OR #expiresAt < :now', ['clientToken', 'expiresAt'], {
    ':now': nowSeconds,
  });
  return {
    operation: 'TransactWriteItems',
    transactItems: [
      {
        table: ctx.env['INVITE_TOKEN_TABLE'],
        operation: 'PutItem',
        key: util.dynamodb.toMapValues({ clientToken }),
        attributeValues: util.dynamodb.toMapValues({
          request: fingerprint(ctx.stash, id),
          answer: ctx.stash.attempt,
          expiresAt: nowSeconds + TOKEN_LIFE_SECONDS,
        }),
        condition: { ...isUnused, returnValuesOnConditionCheckFailure: false },
      },
      {
        table: ctx.env['VIRTUAL_PARTICIPANT_TABLE'],
        operation: 'UpdateItem',
        key,
        update,
        condition: { ...isFree, returnValuesOnConditionCheckFailure: false },
      },
    ],
  };
}

export function response(ctx: ClaimContext) {
  const { args, error, result, stash } = ctx;
  if (!error) {
    stash.answer = (args.input.clientToken ? stash.attempt : result) as VpRecord;
    return null;
  }
  if (error.type === 'DynamoDB:TransactionCanceledException') {
    const [ofToken] = (result as Cancelled | null)?.cancellationReasons ?? [];
    stash.isTokenTaken = (ofToken?.type ?? 'None') !== 'None';
  } else if (wasConditionRefused(error) && args.input.id && result) {
    refuseUnlessFree(result as VpRecord, util.time.nowEpochMilliSeconds());
  }
  stash.candidates = (stash.candidates ?? []).slice(1);
  return null;
}
