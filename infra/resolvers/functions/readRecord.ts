import type { Context } from '@aws-appsync/utils';
import { util } from '@aws-appsync/utils';
import type { VpRecord } from '../common/record.ts';

interface Args {
  input: { id: string };
}

/** Its result is the record, null if there is none. */
export function request(ctx: Context<Args>) {
  return {
    operation: 'GetItem',
    key: util.dynamodb.toMapValues({ id: ctx.args.input.id }),
    consistentRead: true,
  };
}

export function response(ctx: Context<Args, object, undefined, undefined, VpRecord | null>) {
  if (ctx.error) return util.error(ctx.error.message, ctx.error.type);
  return ctx.result;
}
