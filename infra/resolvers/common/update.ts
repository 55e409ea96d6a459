import { util } from '@aws-appsync/utils';

/** An update that sets each of `values`, and moves `version`. */
export function setAndMove(values: Record<string, unknown>) {
  const names: Record<string, string> = { '#version': 'version' };
  const bound: Record<string, unknown> = { ':one': 1 };
  const parts: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    names[`#${name}`] = name;
    bound[`:${name}`] = value;
    parts.push(`#${name} = :${name}`);
  }
  return {
    expression: `SET ${parts.join(', ')} ADD #version :one`,
    expressionNames: names,
    expressionValues: util.dynamodb.toMapValues(bound),
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
