import type { Context } from '@aws-appsync/utils';
import { util } from '@aws-appsync/utils';
import { refuse, refuseUnknown } from '../common/errors.ts';
import type { InviteArgs, InviteStash } from '../common/invite.ts';
import { refuseUnlessFree } from '../common/invite.ts';
import type { VpRecord } from '../common/record.ts';
import { SEEN_WITHIN_MS } from '../common/seen.ts';

type CandidatesContext = Context<
  InviteArgs,
  InviteStash,
  undefined,
  undefined,
  VpRecord | { items: VpRecord[] } | null
>;

/** As many as `claim` stands in the pipeline. */
const MOST_CANDIDATES = 8;

/** Finds whom to try: the one that is named, or those that are available and were seen lately. */
export function request(ctx: CandidatesContext) {
  const id = ctx.stash.replay?.id ?? ctx.args.input.id;
  if (id) return { operation: 'GetItem', key: util.dynamodb.toMapValues({ id }), consistentRead: true };
  return {
    operation: 'Query',
    index: 'byStatus',
    query: {
      expression: '#status = :available AND #lastSeenAt >= :seenSince',
      expressionNames: { '#status': 'status', '#lastSeenAt': 'lastSeenAt' },
      expressionValues: util.dynamodb.toMapValues({
        ':available': 'AVAILABLE',
        ':seenSince': util.time.nowEpochMilliSeconds() - SEEN_WITHIN_MS,
      }),
    },
    scanIndexForward: false,
    limit: 100,
  };
}

export function response(ctx: CandidatesContext) {
  if (ctx.error) return util.error(ctx.error.message, ctx.error.type);
  const { replay } = ctx.stash;
  if (ctx.result && Object.hasOwn(ctx.result, 'items')) {
    ctx.stash.candidates = fromRandomStart((ctx.result as { items: VpRecord[] }).items);
    return null;
  }
  const record = ctx.result as VpRecord | null;
  if (replay) {
    // Of an invite that has ended only the first answer is left: the record tells of another invite.
    ctx.stash.answer = record && record.epoch === replay.epoch ? record : replay;
    return null;
  }
  if (!record) return refuseUnknown(ctx.args.input.id ?? '');
  refuseUnlessFree(record, util.time.nowEpochMilliSeconds());
  ctx.stash.candidates = [record];
  return null;
}

/** Invites at the same moment begin at different places, or all would fight for the same one. */
function fromRandomStart(found: VpRecord[]): VpRecord[] {
  if (found.length === 0) return refuse('NO_CAPACITY', 'No virtual participant is available now.', {});
  const start = util.math.randomWithinRange(0, found.length);
  return found.slice(start).concat(found.slice(0, start)).slice(0, MOST_CANDIDATES);
}
