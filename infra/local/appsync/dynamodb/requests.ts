import type { TypedMap } from './values.ts';

export interface Expression {
  expression: string;
  expressionNames?: Record<string, string>;
  expressionValues?: TypedMap;
}

interface Page {
  limit?: number;
  nextToken?: string | null;
}

export interface PutItem {
  operation: 'PutItem';
  key: TypedMap;
  attributeValues: TypedMap;
  condition?: Expression;
}

export interface UpdateItem {
  operation: 'UpdateItem';
  key: TypedMap;
  update: Expression;
  condition?: Expression;
}

/** What a resolver's request handler may return for DynamoDB, as far as the resolvers use it. */
export type DynamoDbRequest =
  | { operation: 'GetItem'; key: TypedMap; consistentRead?: boolean }
  | UpdateItem
  | (Page & { operation: 'Query'; index?: string; query: Expression; scanIndexForward?: boolean })
  | (Page & { operation: 'Scan' })
  | { operation: 'TransactWriteItems'; transactItems: ((PutItem | UpdateItem) & { table: string })[] };

/** What the response handler then finds in `ctx.result` and `ctx.error`. */
export interface DynamoDbOutcome {
  result: unknown;
  error?: { message: string; type: string };
}
