import type { Template } from 'aws-cdk-lib/assertions';
import { grantsOf, roleOf } from '../testing/policies.ts';
import { type Resource, resourcesOf, template, theOnly } from '../testing/synthesized.ts';
import { readSettings } from './scaler.ts';
import { STATUS_CHANGE_PATTERN } from './status-change.ts';

let stack: Template;
let scaler: Resource['Properties'];

beforeAll(async () => {
  stack = await template({ minAvailable: '3', maxTasks: '20', stackName: 'Test' });
  const functions = Object.values(resourcesOf(stack, 'AWS::Lambda::Function'));
  scaler = functions.find(({ Properties }) => Properties.Environment?.Variables.MAX_TASKS !== undefined)?.Properties;
});

it('The number of tasks has one writer: the function runs once at a time', () => {
  expect(scaler.ReservedConcurrentExecutions).toBe(1);
  const writers = Object.keys(resourcesOf(stack, 'AWS::IAM::Role')).filter((role) =>
    grantsOf(stack, role).some((grant) => grant.startsWith('ecs:UpdateService')),
  );
  // The second is the rotation's, which asks for a new deployment and gives no number.
  expect(writers.map((role) => role.replace(/Role.*/, ''))).toEqual(['StageKeyRotation', 'PoolScaler']);
});

it('The function gets all its settings', () => {
  const variables = Object.entries(scaler.Environment.Variables).map(([name, value]) => [
    name,
    typeof value === 'string' ? value : 'filled-in',
  ]);
  expect(readSettings(Object.fromEntries(variables))).toEqual({
    table: 'filled-in',
    cluster: 'filled-in',
    service: 'filled-in',
    minAvailable: 3,
    maxTasks: 20,
    namespace: 'Test',
  });
});

it('The function reads the stream and the table, sets this service, writes its log, and may do nothing else', () => {
  expect(grantsOf(stack, roleOf(scaler.Role))).toEqual([
    'dynamodb:DescribeStream on <GlobalTable.StreamArn>',
    'dynamodb:GetRecords on <GlobalTable.StreamArn>',
    'dynamodb:GetShardIterator on <GlobalTable.StreamArn>',
    'dynamodb:ListStreams on <GlobalTable.StreamArn>',
    'dynamodb:Scan on <GlobalTable.Arn>',
    'ecs:DescribeServices on <Service>',
    'ecs:UpdateService on <Service>',
    'logs:CreateLogStream on <LogGroup.Arn>',
    'logs:PutLogEvents on <LogGroup.Arn>',
  ]);
});

it('A change of a status calls it, a heartbeat does not, and what fails is sent again for as long as the stream keeps it', () => {
  const mapping = theOnly(stack, 'AWS::Lambda::EventSourceMapping').Properties;
  expect(mapping).toMatchObject({
    StartingPosition: 'LATEST',
    FilterCriteria: { Filters: [{ Pattern: JSON.stringify(STATUS_CHANGE_PATTERN) }] },
  });
  // Lambda's own defaults are without limit.
  expect([mapping.MaximumRecordAgeInSeconds, mapping.MaximumRetryAttempts]).toEqual([undefined, undefined]);
});

it('A deployment calls it as well, since no status changes by that', () => {
  const [rule] = Object.values(resourcesOf(stack, 'AWS::Events::Rule')).filter(
    ({ Properties }) => Properties.EventPattern.source[0] === 'aws.cloudformation',
  );
  expect(rule?.Properties.EventPattern.detail).toEqual({
    'stack-id': [{ Ref: 'AWS::StackId' }],
    'status-details': { status: ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE'] },
  });
});
