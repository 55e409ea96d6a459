import type { Context } from '@aws-appsync/utils';
import { util } from '@aws-appsync/utils';
import type { VpStatus } from '../../machines/status.ts';
import { refuseFor, refuseUnknown, wasConditionRefused } from './common/errors.ts';
import { cut, optionalInteger, optionalText, refuseInput, requireId, requireOwner } from './common/input.ts';
import { followsLegally } from './common/predecessors.ts';
import type { Failure, VpRecord } from './common/record.ts';
import { NO_INVITE, toVirtualParticipant } from './common/record.ts';
import { condition, setAndMove } from './common/update.ts';

interface Args {
  input: {
    id: string;
    owner: string;
    epoch: number;
    status: VpStatus;
    sequence?: number | null;
    participantId?: string | null;
    source?: string | null;
    reason?: string | null;
    failure?: Failure | null;
  };
}

/** One write: taken if it follows legally, or if it says more of the present status than is known. */
export function request(ctx: Context<Args>) {
  const { input } = ctx.args;
  const { status, epoch } = input;
  const id = requireId('input.id', input.id);
  const owner = requireOwner('input.owner', input.owner);
  const sequence = optionalInteger('input.sequence', input.sequence, 1, 2_147_483_647);
  if (epoch < 0) return refuseInput('input.epoch', 'a whole number from 0');
  if (status === 'ERRORED' && !input.failure) return refuseInput('input.failure', 'a failure with status ERRORED');

  const nowMs = util.time.nowEpochMilliSeconds();
  const reason = cut(input.reason, 256);
  const evidence = {
    participantId: optionalText('input.participantId', input.participantId, 256),
    source: optionalText('input.source', input.source, 64),
  };
  const values: Record<string, unknown> = {
    status,
    reason,
    failure: input.failure ? { ...input.failure, message: cut(input.failure.message, 1_024) } : null,
    updatedAt: nowMs,
    lastSeenAt: nowMs,
  };
  const news = ['#reason <> :reason'];
  const names = ['owner', 'epoch', 'status', 'reason'];
  const bound: Record<string, unknown> = { ':owner': owner, ':epoch': epoch, ':status': status, ':reason': reason };
  if (status === 'AVAILABLE' || status === 'STOPPED') {
    Object.assign(values, NO_INVITE, { participantId: null, source: null });
  } else {
    for (const [name, value] of Object.entries(evidence)) {
      if (value !== null) {
        values[name] = value;
        bound[`:${name}`] = value;
        names.push(name);
        news.push(`#${name} <> :${name}`);
      }
    }
  }
  if (sequence !== null) {
    values['sequence'] = sequence;
    bound[':sequence'] = sequence;
    names.push('sequence');
  }
  // Only an invite makes an AVAILABLE one INVITED: a report to that effect comes late, of an invite that has ended.
  const legally = followsLegally(status, status === 'INVITED' ? 'AVAILABLE' : null);
  return {
    operation: 'UpdateItem',
    key: util.dynamodb.toMapValues({ id }),
    update: setAndMove(values),
    condition: condition(
      `#owner = :owner AND #epoch = :epoch${sequence === null ? '' : ' AND #sequence < :sequence'}` +
        ` AND (${legally.expression} OR (#status = :status AND (${news.join(' OR ')})))`,
      names,
      { ...bound, ...legally.values },
    ),
  };
}

export function response(ctx: Context<Args, object, undefined, undefined, VpRecord | null>) {
  const { input } = ctx.args;
  const record = ctx.result;
  const isRefused = wasConditionRefused(ctx.error);
  if (!record) return refuseUnknown(input.id);
  if (isRefused) {
    if (record.owner !== input.owner) {
      return refuseFor('STALE_OWNER', `Another process owns "${record.id}" now.`, record);
    }
    if (input.epoch < record.epoch) {
      return refuseFor('STALE_EPOCH', `"${record.id}" is at epoch ${record.epoch} now.`, record);
    }
    if (input.epoch > record.epoch) return refuseInput('input.epoch', `the present epoch, ${record.epoch}`);
    const isLate = input.sequence ? input.sequence <= record.sequence : false;
    if (!isLate && input.status !== record.status) {
      return refuseFor(
        'ILLEGAL_TRANSITION',
        `"${record.id}" is ${record.status ?? 'not ready'}: it cannot become ${input.status}.`,
        record,
      );
    }
  }
  return toVirtualParticipant(record, util.time.nowEpochMilliSeconds());
}
