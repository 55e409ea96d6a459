import type { Context } from '@aws-appsync/utils';
import { util } from '@aws-appsync/utils';
import type { VpStatus } from '../../machines/status.ts';
import { optionalInteger } from './common/input.ts';
import type { VpRecord } from './common/record.ts';
import { toVirtualParticipant } from './common/record.ts';

interface Args {
  status?: VpStatus | null;
  limit?: number | null;
  nextToken?: string | null;
}

interface Page {
  items: VpRecord[];
  nextToken?: string | null;
}

export function request(ctx: Context<Args>) {
  const { status, nextToken } = ctx.args;
  const page = {
    limit: optionalInteger('limit', ctx.args.limit, 1, 100) ?? 50,
    nextToken: nextToken ?? null,
  };
  if (!status) return { operation: 'Scan', ...page };
  return {
    operation: 'Query',
    index: 'byStatus',
    query: {
      expression: '#status = :status',
      expressionNames: { '#status': 'status' },
      expressionValues: util.dynamodb.toMapValues({ ':status': status }),
    },
    scanIndexForward: false,
    ...page,
  };
}

export function response(ctx: Context<Args, object, undefined, undefined, Page>) {
  if (ctx.error) return util.error(ctx.error.message, ctx.error.type);
  const nowMs = util.time.nowEpochMilliSeconds();
  return {
    items: ctx.result.items.map((record) => toVirtualParticipant(record, nowMs)),
    nextToken: ctx.result.nextToken ?? null,
  };
}
