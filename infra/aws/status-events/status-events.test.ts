import type { Template } from 'aws-cdk-lib/assertions';
import { STATUS_CHANGE_PATTERN } from '../pool/status-change.ts';
import { grantsOf, roleOf } from '../testing/policies.ts';
import { type Resource, resourcesOf, template, theOnly } from '../testing/synthesized.ts';

let stack: Template;
let pipe: Resource['Properties'];

beforeAll(async () => {
  stack = await template();
  pipe = theOnly(stack, 'AWS::Pipes::Pipe').Properties;
});

it('Each change of a status, and no heartbeat, becomes an event with a name to match on', () => {
  expect(pipe.SourceParameters.FilterCriteria.Filters).toEqual([{ Pattern: JSON.stringify(STATUS_CHANGE_PATTERN) }]);
  expect(pipe.TargetParameters.EventBridgeEventBusParameters).toEqual({
    Source: 'virtual-participant',
    DetailType: 'Virtual Participant Status Change',
  });
});

it('An event is JSON, whatever a pipe fills in: every value is a text', () => {
  const filled = pipe.TargetParameters.InputTemplate.replaceAll(/<\$\.dynamodb\.NewImage\.(\w+)\.([SN])>/g, '$1');
  expect(JSON.parse(filled)).toEqual({
    id: 'id',
    status: 'status',
    statusBefore: 'statusBefore',
    epoch: 'epoch',
    version: 'version',
    updatedAt: 'updatedAt',
  });
});

it('What cannot be delivered is tried again for an hour, then kept for 14 days in an encrypted queue', () => {
  expect(pipe.SourceParameters.DynamoDBStreamParameters).toMatchObject({
    StartingPosition: 'LATEST',
    MaximumRetryAttempts: 10,
    MaximumRecordAgeInSeconds: 3_600,
    OnPartialBatchItemFailure: 'AUTOMATIC_BISECT',
  });
  const [queue] = Object.keys(resourcesOf(stack, 'AWS::SQS::Queue'));
  expect(pipe.SourceParameters.DynamoDBStreamParameters.DeadLetterConfig.Arn).toEqual({ 'Fn::GetAtt': [queue, 'Arn'] });
  expect(theOnly(stack, 'AWS::SQS::Queue').Properties.MessageRetentionPeriod).toBe(1_209_600);
});

it('The pipe reads this stream, writes to the default bus and to its queue, and may do nothing else', () => {
  expect(grantsOf(stack, roleOf(pipe.RoleArn))).toEqual([
    'dynamodb:DescribeStream on <GlobalTable.StreamArn>',
    'dynamodb:GetRecords on <GlobalTable.StreamArn>',
    'dynamodb:GetShardIterator on <GlobalTable.StreamArn>',
    'dynamodb:ListStreams on <GlobalTable.StreamArn>',
    'events:PutEvents on arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:event-bus/default',
    'sqs:SendMessage on <Queue.Arn>',
  ]);
});
