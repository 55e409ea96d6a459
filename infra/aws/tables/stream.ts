import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

/** @throws {Error} if the table has no stream */
export function streamArnOf(table: TableV2): string {
  const { tableStreamArn } = table;
  if (tableStreamArn === undefined) throw new Error(`The table ${table.node.path} has no stream; expected one.`);
  return tableStreamArn;
}

/** What a pipe and an event source mapping ask of their roles, on the stream alone. */
export function readStream(table: TableV2): PolicyStatement {
  return new PolicyStatement({
    actions: ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator', 'dynamodb:ListStreams'],
    resources: [streamArnOf(table)],
  });
}
