import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type LogGroup, ResourcePolicy } from 'aws-cdk-lib/aws-logs';
import { type Duration, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { logGroup } from '../logs.ts';
import type { Service } from '../service/service.ts';
import type { Settings } from '../settings.ts';

/**
 * Tasks that ended although nobody had asked them to, each with ECS's reason, in a log group: what Container Insights would
 * count for a price, and without a reason.
 */
export class StoppedTasks extends Construct {
  readonly logs: LogGroup;
  readonly #rule: CfnRule;

  constructor(scope: Construct, settings: Pick<Settings, 'logRetentionDays'>, { cluster, service }: Service) {
    super(scope, 'StoppedTasks');
    // EventBridge writes only to groups below /aws/events/.
    // Never kept: under a name of its own it would be in the way of the next stack.
    const kept = { ...settings, keepData: false };
    this.logs = logGroup(this, 'Logs', kept, `/aws/events/${Stack.of(this).stackName}-stopped-tasks`);
    this.#rule = new CfnRule(this, 'Rule', {
      description: 'Tasks that ended by themselves or did not start',
      eventPattern: {
        source: ['aws.ecs'],
        'detail-type': ['ECS Task State Change'],
        detail: {
          clusterArn: [cluster.clusterArn],
          group: [`service:${service.serviceName}`],
          lastStatus: ['STOPPED'],
          // Not those that the service stopped (scale-in, deployment) and not those of a person.
          stopCode: ['EssentialContainerExited', 'TaskFailedToStart'],
        },
      },
      targets: [{ id: 'Logs', arn: this.logs.logGroupArn }],
    });
    new ResourcePolicy(this, 'Policy', {
      policyStatements: [
        new PolicyStatement({
          principals: [
            new ServicePrincipal('events.amazonaws.com'),
            new ServicePrincipal('delivery.logs.amazonaws.com'),
          ],
          actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
          resources: [this.logs.logGroupArn],
          conditions: { ArnEquals: { 'aws:SourceArn': this.#rule.attrArn } },
        }),
      ],
    });
  }

  /** How many there were in a period. */
  metric(period: Duration): Metric {
    return new Metric({
      namespace: 'AWS/Events',
      metricName: 'TriggeredRules',
      dimensionsMap: { RuleName: this.#rule.ref },
      statistic: 'Sum',
      period,
      label: 'Tasks that ended by themselves',
    });
  }
}
