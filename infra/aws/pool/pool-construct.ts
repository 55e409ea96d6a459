import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { Rule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { EventSourceMapping, FilterCriteria, StartingPosition } from 'aws-cdk-lib/aws-lambda';
import { Duration, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { TABLES } from '../../resolvers/manifest.ts';
import { Handler } from '../function.ts';
import type { Service } from '../service/service.ts';
import type { Settings } from '../settings.ts';
import { readStream, streamArnOf } from '../tables/stream.ts';
import { STATUS_CHANGE_PATTERN } from './status-change.ts';

export interface PoolProps {
  readonly settings: Settings;
  readonly table: TableV2;
  readonly service: Service;
}

/** Sets how many tasks run, whenever a status has changed. It is the only writer of that number. */
export class Pool extends Construct {
  readonly scaler: Handler;

  constructor(scope: Construct, { settings, table, service }: PoolProps) {
    super(scope, 'Pool');
    this.scaler = new Handler(this, 'Scaler', {
      settings,
      description: 'Sets the number of tasks to those taken and minAvailable more, at most maxTasks',
      entry: new URL('./scaler.ts', import.meta.url),
      environment: {
        [TABLES.virtualParticipants.environment]: table.tableName,
        CLUSTER: service.cluster.clusterName,
        SERVICE: service.service.serviceName,
        MIN_AVAILABLE: String(settings.minAvailable),
        MAX_TASKS: String(settings.maxTasks),
        METRICS_NAMESPACE: settings.stackName,
      },
      statements: [
        readStream(table),
        new PolicyStatement({ actions: ['dynamodb:Scan'], resources: [table.tableArn] }),
        new PolicyStatement({
          actions: ['ecs:DescribeServices', 'ecs:UpdateService'],
          resources: [service.service.serviceArn],
        }),
      ],
      timeout: Duration.seconds(30),
      // One writer: two at a time could write the older number last.
      reservedConcurrentExecutions: 1,
    });
    new EventSourceMapping(this, 'StatusChanges', {
      target: this.scaler.function,
      eventSourceArn: streamArnOf(table),
      // Each call counts anew, so what is older than the mapping says nothing more.
      startingPosition: StartingPosition.LATEST,
      batchSize: 100,
      filters: [FilterCriteria.filter(STATUS_CHANGE_PATTERN)],
      // Retried for as long as the stream keeps it: while no place is free nothing else would come, and the pool stay too small.
    });
    this.#countAfterDeployment();
  }

  /**
   * A stack that is new, or has other settings, is counted although no status has changed. Statuses that changed before the
   * mapping was there are made good by this as well.
   */
  #countAfterDeployment(): void {
    new Rule(this, 'Deployed', {
      description: 'The stack was deployed',
      eventPattern: {
        source: ['aws.cloudformation'],
        detailType: ['CloudFormation Stack Status Change'],
        detail: {
          'stack-id': [Stack.of(this).stackId],
          'status-details': { status: ['CREATE_COMPLETE', 'UPDATE_COMPLETE', 'UPDATE_ROLLBACK_COMPLETE'] },
        },
      },
      targets: [new LambdaFunction(this.scaler.function)],
    });
  }
}
