import {
  ConditionalCheckFailedException,
  type DynamoDBClient,
  DynamoDBServiceException,
  GetItemCommand,
  QueryCommand,
  type QueryCommandOutput,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { toUpdateCommand } from './commands.ts';
import { createMutex } from './mutex.ts';
import type { DynamoDbOutcome, DynamoDbRequest } from './requests.ts';
import { writeTransaction } from './transaction.ts';
import { fromAttributes, type TypedMap, toAttributes } from './values.ts';

export interface DynamoDbSource {
  /** Carries out on `table` what a resolver's request handler returned. */
  run(table: string, request: DynamoDbRequest): Promise<DynamoDbOutcome>;
  /** Takes no more; resolves when what was taken is done. dynalite ends the process if it is closed in the middle. */
  close(): Promise<void>;
}

/**
 * AppSync's DynamoDB data source over the AWS SDK. One operation at a time, so that the transaction, which is several
 * operations here, shows no one a state in between.
 */
export function createDynamoDbSource(client: DynamoDBClient): DynamoDbSource {
  const alone = createMutex();
  let isClosed = false;
  const run = async (table: string, request: DynamoDbRequest): Promise<DynamoDbOutcome> => {
    if (isClosed) throw new Error('The local AppSync is closed.');
    try {
      return await carryOut(client, table, request);
    } catch (error) {
      if (!(error instanceof DynamoDBServiceException)) throw error;
      // The present item is the result of a write that its own condition refused.
      const isRefused = error instanceof ConditionalCheckFailedException && 'key' in request;
      return {
        result: isRefused ? await readItem(client, table, request.key) : null,
        error: { message: error.message, type: `DynamoDB:${error.name}` },
      };
    }
  };
  return {
    run: (table, request) => alone(() => run(table, request)),
    close: () =>
      alone(async () => {
        isClosed = true;
      }),
  };
}

async function carryOut(client: DynamoDBClient, table: string, request: DynamoDbRequest): Promise<DynamoDbOutcome> {
  switch (request.operation) {
    case 'GetItem':
      return { result: await readItem(client, table, request.key) };
    case 'UpdateItem': {
      const { Attributes } = await client.send(toUpdateCommand(table, request));
      return { result: fromAttributes(Attributes ?? {}) };
    }
    case 'Query': {
      const { query, index, scanIndexForward } = request;
      const output = await client.send(
        new QueryCommand({
          TableName: table,
          IndexName: index,
          KeyConditionExpression: query.expression,
          ExpressionAttributeNames: query.expressionNames,
          ExpressionAttributeValues: toAttributes(query.expressionValues ?? {}),
          ScanIndexForward: scanIndexForward,
          ...toPage(request),
        }),
      );
      return { result: fromPage(output) };
    }
    case 'Scan':
      return { result: fromPage(await client.send(new ScanCommand({ TableName: table, ...toPage(request) }))) };
    case 'TransactWriteItems':
      return writeTransaction(client, request.transactItems);
    default:
      throw new Error(
        `Expected GetItem, UpdateItem, Query, Scan or TransactWriteItems, found ${JSON.stringify(request)}.`,
      );
  }
}

async function readItem(client: DynamoDBClient, table: string, key: TypedMap): Promise<Record<string, unknown> | null> {
  const { Item } = await client.send(
    new GetItemCommand({ TableName: table, Key: toAttributes(key), ConsistentRead: true }),
  );
  return Item ? fromAttributes(Item) : null;
}

function toPage({ limit, nextToken }: { limit?: number; nextToken?: string | null }) {
  return { Limit: limit, ...(nextToken && { ExclusiveStartKey: JSON.parse(atob(nextToken)) }) };
}

function fromPage({ Items, LastEvaluatedKey }: Pick<QueryCommandOutput, 'Items' | 'LastEvaluatedKey'>) {
  return {
    items: (Items ?? []).map(fromAttributes),
    nextToken: LastEvaluatedKey ? btoa(JSON.stringify(LastEvaluatedKey)) : null,
  };
}
