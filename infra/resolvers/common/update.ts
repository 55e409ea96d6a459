import { util } from '@aws-appsync/utils';

/** How long a record is kept after its last write: long enough to look into what became of a task, in seconds. */
const KEPT_SECONDS = 7 * 24 * 60 * 60;

/**
 * What every write of the virtual participants' table sets, a heartbeat too:
 * - `statusBefore`, the status that the record had until then, which is `NONE` if it had none. Whoever follows the
 *   table's stream sees by it alone whether this write changed the status.
 * - `expiresAt`, when DynamoDB may delete the record.
 */
const MARKS = '#statusBefore = if_not_exists(#status, :NONE), #expiresAt = :expiresAt';

/** An update that sets each of `values` and what every write sets; `version` stays. */
export function setOnly(values: Record<string, unknown>) {
  const names: Record<string, string> = {
    '#status': 'status',
    '#statusBefore': 'statusBefore',
    '#expiresAt': 'expiresAt',
  };
  const bound: Record<string, unknown> = {
    ':NONE': 'NONE',
    ':expiresAt': util.time.nowEpochSeconds() + KEPT_SECONDS,
  };
  const parts: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    names[`#${name}`] = name;
    bound[`:${name}`] = value;
    parts.push(`#${name} = :${name}`);
  }
  return {
    expression: `SET ${parts.join(', ')}, ${MARKS}`,
    expressionNames: names,
    expressionValues: util.dynamodb.toMapValues(bound),
  };
}

/** As {@link setOnly}, and moves `version`. */
export function setAndMove(values: Record<string, unknown>) {
  const { expression, expressionNames, expressionValues } = setOnly(values);
  return {
    expression: `${expression} ADD #version :one`,
    expressionNames: { ...expressionNames, '#version': 'version' },
    expressionValues: { ...expressionValues, ...util.dynamodb.toMapValues({ ':one': 1 }) },
  };
}

/** A condition on attributes that are named in it as `#name`, with values named as `:name`. */
export function condition(expression: string, names: string[], values: Record<string, unknown>) {
  const expressionNames: Record<string, string> = {};
  for (const name of names) {
    expressionNames[`#${name}`] = name;
  }
  return { expression, expressionNames, expressionValues: util.dynamodb.toMapValues(values) };
}
