import type { Template } from 'aws-cdk-lib/assertions';
import { TABLES } from '../../resolvers/manifest.ts';
import { type Resource, resourcesOf, template } from '../testing/synthesized.ts';

let stack: Template;

beforeAll(async () => {
  stack = await template();
});

function tableWithKey(key: string, of = stack): Resource {
  const found = Object.values(resourcesOf(of, 'AWS::DynamoDB::GlobalTable')).find(
    ({ Properties }) => Properties.KeySchema[0].AttributeName === key,
  );
  if (found === undefined) throw new Error(`There is no table whose key is ${key}.`);
  return found;
}

it.each(Object.values(TABLES))(
  'The table of $partitionKey is billed on demand, kept, restorable to any second, and forgets',
  (table) => {
    const { Properties, DeletionPolicy } = tableWithKey(table.partitionKey);
    expect(Properties.BillingMode).toBe('PAY_PER_REQUEST');
    expect(DeletionPolicy).toBe('Retain');
    expect(Properties.Replicas).toEqual([
      expect.objectContaining({
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        DeletionProtectionEnabled: true,
      }),
    ]);
    expect(Properties.TimeToLiveSpecification).toEqual({ AttributeName: table.timeToLive, Enabled: true });
  },
);

it('The virtual participants are found by status, the last seen first, with all their attributes', () => {
  const { index } = TABLES.virtualParticipants;
  const { Properties } = tableWithKey(TABLES.virtualParticipants.partitionKey);
  expect(Properties.GlobalSecondaryIndexes).toEqual([
    {
      IndexName: index.name,
      KeySchema: [
        { AttributeName: index.partitionKey, KeyType: 'HASH' },
        { AttributeName: index.sortKey, KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'ALL' },
    },
  ]);
  expect(Properties.AttributeDefinitions).toContainEqual({ AttributeName: index.sortKey, AttributeType: 'N' });
});

it('Only the virtual participants have a stream, which shows what they have become', () => {
  expect(tableWithKey(TABLES.virtualParticipants.partitionKey).Properties.StreamSpecification).toEqual({
    StreamViewType: 'NEW_IMAGE',
  });
  expect(tableWithKey(TABLES.inviteTokens.partitionKey).Properties.StreamSpecification).toBeUndefined();
});

it('With keepData=false tables, bucket and logs go with the stack', async () => {
  const other = await template({ keepData: 'false' });
  const kept = Object.values(other.toJSON()['Resources'] as Record<string, Resource>).filter(
    ({ DeletionPolicy }) => DeletionPolicy === 'Retain',
  );
  expect(kept).toEqual([]);
  expect(
    tableWithKey(TABLES.virtualParticipants.partitionKey, other).Properties.Replicas[0].DeletionProtectionEnabled,
  ).toBe(false);
});
