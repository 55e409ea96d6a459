import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { toPutCommand, toUpdateCommand } from './commands.ts';
import type { DynamoDbOutcome, PutItem, UpdateItem } from './requests.ts';

import { toAttributes } from './values.ts';

type Write = (PutItem | UpdateItem) & { table: string };

interface Undo {
  write: Write;
  before: Record<string, AttributeValue> | undefined;
}

/**
 * Writes all of `writes` or none: dynalite has no transactions. One after the other; where a condition refuses one,
 * those before it are undone. Only as atomic as its caller makes it, who must keep everyone else away meanwhile.
 */
export async function writeTransaction(client: DynamoDBClient, writes: readonly Write[]): Promise<DynamoDbOutcome> {
  const done: Undo[] = [];
  try {
    for (const write of writes) {
      const before = await readBefore(client, write);
      if (write.operation === 'UpdateItem') await client.send(toUpdateCommand(write.table, write));
      else await client.send(toPutCommand(write.table, write));
      done.push({ write, before });
    }
    return { result: { keys: writes.map(({ key }) => key), cancellationReasons: null } };
  } catch (error) {
    for (const undo of done.reverse()) await takeBack(client, undo);
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    const refused = done.length;
    const reasons = writes.map((_, index) =>
      index === refused ? { type: 'ConditionalCheckFailed', message: error.message } : { type: 'None', message: null },
    );
    return {
      result: { keys: null, cancellationReasons: reasons },
      error: {
        type: 'DynamoDB:TransactionCanceledException',
        message: `Transaction cancelled, please refer cancellation reasons for specific reasons [${reasons.map(({ type }) => type).join(', ')}]`,
      },
    };
  }
}

async function readBefore(client: DynamoDBClient, { table, key }: Write) {
  const { Item } = await client.send(
    new GetItemCommand({ TableName: table, Key: toAttributes(key), ConsistentRead: true }),
  );
  return Item;
}

async function takeBack(client: DynamoDBClient, { write: { table, key }, before }: Undo): Promise<void> {
  if (before) await client.send(new PutItemCommand({ TableName: table, Item: before }));
  else await client.send(new DeleteItemCommand({ TableName: table, Key: toAttributes(key) }));
}
