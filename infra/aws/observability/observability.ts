import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Arn, ArnFormat, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { Alarms } from './alarms.ts';
import { dashboard } from './dashboard.ts';
import { Metrics } from './metrics.ts';
import type { ObservabilityProps } from './props.ts';
import { StoppedTasks } from './stopped-tasks.ts';

/** What tells a person that something is wrong, and what shows them where. */
export class Observability extends Construct {
  /** Gets every alarm, when it rings and when it is over. */
  readonly topic: Topic;

  constructor(scope: Construct, props: ObservabilityProps) {
    super(scope, 'Observability');
    const { settings, service } = props;
    this.topic = new Topic(this, 'Topic', { displayName: 'Virtual participants', enforceSSL: true });
    if (settings.alarmEmail !== null) this.topic.addSubscription(new EmailSubscription(settings.alarmEmail));
    this.#letAlarmsPublish();
    const stoppedTasks = new StoppedTasks(this, settings, service);
    const metrics = new Metrics(settings.stackName, service.service.serviceName);
    const { alarms } = new Alarms(this, { ...props, topic: this.topic as ITopic, metrics, stoppedTasks });
    dashboard(this, props, metrics, stoppedTasks, alarms);
  }

  /** With a policy of its own a topic no longer has the one that lets the account publish. */
  #letAlarmsPublish(): void {
    const stack = Stack.of(this);
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        effect: Effect.ALLOW,
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions: {
          StringEquals: { 'aws:SourceAccount': stack.account },
          ArnLike: {
            'aws:SourceArn': Arn.format(
              { service: 'cloudwatch', resource: 'alarm', resourceName: '*', arnFormat: ArnFormat.COLON_RESOURCE_NAME },
              stack,
            ),
          },
        },
      }),
    );
  }
}
