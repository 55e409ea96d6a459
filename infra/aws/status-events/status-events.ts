import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnPipe } from 'aws-cdk-lib/aws-pipes';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Duration, Stack, Validations } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { STATUS_CHANGE_PATTERN } from '../pool/status-change.ts';
import { readStream, streamArnOf } from '../tables/stream.ts';

/** What a rule of EventBridge matches on, as `source` and `detail-type`. */
export const STATUS_EVENT = { source: 'virtual-participant', detailType: 'Virtual Participant Status Change' } as const;

/**
 * The `detail` of an event. Only what every record has, since a pipe makes an event of a template that it cannot fill.
 * All are texts: DynamoDB writes numbers as texts, and a pipe does not convert. `updatedAt` is milliseconds since 1970.
 */
export const STATUS_EVENT_DETAIL = {
  id: '<$.dynamodb.NewImage.id.S>',
  status: '<$.dynamodb.NewImage.status.S>',
  statusBefore: '<$.dynamodb.NewImage.statusBefore.S>',
  epoch: '<$.dynamodb.NewImage.epoch.N>',
  version: '<$.dynamodb.NewImage.version.N>',
  updatedAt: '<$.dynamodb.NewImage.updatedAt.N>',
} as const;

/** An event on the account's default bus for each change of a status, carried there by AWS: no code of ours is in the way. */
export class StatusEvents extends Construct {
  /** What could not be delivered: where in the stream it was, for up to 14 days. */
  readonly undelivered: Queue;

  constructor(scope: Construct, table: TableV2) {
    super(scope, 'StatusEvents');
    this.undelivered = new Queue(this, 'Undelivered', { enforceSSL: true, retentionPeriod: Duration.days(14) });
    Validations.of(this.undelivered).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason: 'It is a dead-letter queue itself.',
    });
    const bus = EventBus.fromEventBusName(this, 'Bus', 'default');
    const role = new Role(this, 'Role', {
      description: 'Carries status changes from the table to EventBridge',
      assumedBy: new ServicePrincipal('pipes.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
      inlinePolicies: {
        Pipe: new PolicyDocument({
          statements: [
            readStream(table),
            new PolicyStatement({ actions: ['events:PutEvents'], resources: [bus.eventBusArn] }),
            new PolicyStatement({ actions: ['sqs:SendMessage'], resources: [this.undelivered.queueArn] }),
          ],
        }),
      },
    });
    new CfnPipe(this, 'Pipe', {
      description: 'An event for each change of the status of a virtual participant',
      roleArn: role.roleArn,
      source: streamArnOf(table),
      sourceParameters: {
        filterCriteria: { filters: [{ pattern: JSON.stringify(STATUS_CHANGE_PATTERN) }] },
        dynamoDbStreamParameters: {
          startingPosition: 'LATEST',
          batchSize: 10,
          maximumRetryAttempts: 10,
          maximumRecordAgeInSeconds: 3_600,
          onPartialBatchItemFailure: 'AUTOMATIC_BISECT',
          deadLetterConfig: { arn: this.undelivered.queueArn },
        },
      },
      target: bus.eventBusArn,
      targetParameters: {
        eventBridgeEventBusParameters: STATUS_EVENT,
        inputTemplate: JSON.stringify(STATUS_EVENT_DETAIL),
      },
    });
  }
}
