import { PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Expression, PutItem, UpdateItem } from './requests.ts';
import { toAttributes } from './values.ts';

export function toUpdateCommand(table: string, { key, update, condition }: UpdateItem): UpdateItemCommand {
  return new UpdateItemCommand({
    TableName: table,
    Key: toAttributes(key),
    UpdateExpression: update.expression,
    ...toCondition(condition, update),
    ReturnValues: 'ALL_NEW',
  });
}

/** A condition as the SDK wants it, its names and values together with those of the update. */
function toCondition(condition?: Expression, update?: Expression) {
  const names = { ...update?.expressionNames, ...condition?.expressionNames };
  const values = toAttributes({ ...update?.expressionValues, ...condition?.expressionValues });
  return {
    ConditionExpression: condition?.expression,
    // Both may be left out, but not be empty.
    ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
    ...(Object.keys(values).length > 0 && { ExpressionAttributeValues: values }),
  };
}

export function toPutCommand(table: string, { key, attributeValues, condition }: PutItem): PutItemCommand {
  return new PutItemCommand({
    TableName: table,
    Item: toAttributes({ ...key, ...attributeValues }),
    ...toCondition(condition),
  });
}
