import type { AddressInfo } from 'node:net';
import { type AttributeValue, type DynamoDBClient, GetItemCommand } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { createClient, TABLE_NAMES } from '../dynamodb/tables.ts';

/** A DynamoDB beside the local AppSync, for tests that look at what the resolvers leave in it. */
export interface TestDatabase {
  readonly url: string;
  readonly client: DynamoDBClient;
  /** The record of a virtual participant as DynamoDB holds it, and as its stream shows it. */
  imageOf(id: string): Promise<Record<string, AttributeValue> | undefined>;
  /** Whoever uses it must have closed before. */
  close(): Promise<void>;
}

export async function startDatabase(): Promise<TestDatabase> {
  const server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const client = createClient(url);
  return {
    url,
    client,
    async imageOf(id) {
      const key = { TableName: TABLE_NAMES.virtualParticipants, Key: { id: { S: id } }, ConsistentRead: true };
      return (await client.send(new GetItemCommand(key))).Item;
    },
    async close() {
      client.destroy();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
