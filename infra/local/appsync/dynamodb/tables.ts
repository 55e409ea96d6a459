import { CreateTableCommand, DynamoDBClient, ResourceInUseException } from '@aws-sdk/client-dynamodb';
import { TABLES, type TableName } from '../../../resolvers/manifest.ts';

/** The tables' names here; on AWS, CloudFormation makes them up. */
export const TABLE_NAMES: Readonly<Record<TableName, string>> = {
  virtualParticipants: 'VirtualParticipants',
  inviteTokens: 'InviteTokens',
};

/** The API's environment variables, in which the resolvers find the names of the tables. */
export const ENVIRONMENT = Object.fromEntries(
  Object.entries(TABLES).map(([name, { environment }]) => [environment, TABLE_NAMES[name as TableName]]),
);

/** A client of the AWS SDK for `endpoint`, whose credentials nobody checks. */
export function createClient(endpoint: string): DynamoDBClient {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  return new DynamoDBClient({
    endpoint,
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  });
}

/** Creates the tables that are not there yet. */
export async function createTables(client: DynamoDBClient): Promise<void> {
  const { virtualParticipants, inviteTokens } = TABLES;
  const { index } = virtualParticipants;
  await createTable(
    client,
    new CreateTableCommand({
      TableName: TABLE_NAMES.virtualParticipants,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [
        { AttributeName: virtualParticipants.partitionKey, AttributeType: 'S' },
        { AttributeName: index.partitionKey, AttributeType: 'S' },
        { AttributeName: index.sortKey, AttributeType: 'N' },
      ],
      KeySchema: [{ AttributeName: virtualParticipants.partitionKey, KeyType: 'HASH' }],
      GlobalSecondaryIndexes: [
        {
          IndexName: index.name,
          KeySchema: [
            { AttributeName: index.partitionKey, KeyType: 'HASH' },
            { AttributeName: index.sortKey, KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    }),
  );
  await createTable(
    client,
    new CreateTableCommand({
      TableName: TABLE_NAMES.inviteTokens,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: [{ AttributeName: inviteTokens.partitionKey, AttributeType: 'S' }],
      KeySchema: [{ AttributeName: inviteTokens.partitionKey, KeyType: 'HASH' }],
    }),
  );
}

async function createTable(client: DynamoDBClient, command: CreateTableCommand): Promise<void> {
  try {
    await client.send(command);
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
}
