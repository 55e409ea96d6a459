import {
  Alarm,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { Metrics } from './metrics.ts';
import type { ObservabilityProps } from './props.ts';
import type { StoppedTasks } from './stopped-tasks.ts';

/** The section of the handbook that every alarm names. */
export const HANDBOOK = 'infra/aws/README.md, "When an alarm rings"';

/** An invite that takes longer than this until media is seen leaving is slow; 0.3 seconds are usual. */
const SLOW_INVITE_SECONDS = 5;

/** One alarm, in the words of who gets the mail at night. */
export interface AlarmPlan {
  /** Construct id, and the heading in the handbook. */
  readonly id: string;
  readonly means: string;
  readonly first: string;
  readonly metric: IMetric;
  readonly rings: 'above' | 'below';
  readonly threshold: number;
  /** Rings when so many periods in a row are beyond the threshold. */
  readonly periods: number;
  /** What no data means: that all is well (nothing happened), or that it is not (nobody speaks any more). */
  readonly silence: 'well' | 'bad';
}

export type AlarmsProps = ObservabilityProps & {
  readonly topic: ITopic;
  readonly metrics: Metrics;
  readonly stoppedTasks: StoppedTasks;
};

/** All alarms. Each says what it means for callers and what to do first. */
export class Alarms extends Construct {
  readonly alarms: readonly Alarm[];

  constructor(scope: Construct, props: AlarmsProps) {
    super(scope, 'Alarms');
    const action = new SnsAction(props.topic);
    this.alarms = alarmPlans(props).map((plan) => {
      const alarm = new Alarm(this, plan.id, {
        alarmDescription: `${plan.means} First: ${plan.first} More: ${HANDBOOK}, ${plan.id}.`,
        metric: plan.metric,
        comparisonOperator:
          plan.rings === 'above' ? ComparisonOperator.GREATER_THAN_THRESHOLD : ComparisonOperator.LESS_THAN_THRESHOLD,
        threshold: plan.threshold,
        evaluationPeriods: plan.periods,
        treatMissingData: plan.silence === 'well' ? TreatMissingData.NOT_BREACHING : TreatMissingData.BREACHING,
      });
      alarm.addAlarmAction(action);
      alarm.addOkAction(action);
      return alarm;
    });
  }
}

function alarmPlans({ settings, api, metrics, pool, events, rotation, stoppedTasks }: AlarmsProps): AlarmPlan[] {
  const minutes = (count: number) => Duration.minutes(count);
  const scaler = pool.scaler.function;
  const ours: AlarmPlan[] = [
    {
      id: 'PoolAtMaximum',
      means: `So many are taken that fewer than ${settings.minAvailable} are kept free: maxTasks is ${settings.maxTasks}.`,
      first: 'look at the dashboard whether those taken are meant to be; then raise maxTasks and deploy.',
      metric: metrics.pool('AtMaximum', { statistic: Stats.MAXIMUM, minutes: 5 }),
      rings: 'above',
      threshold: 0,
      periods: 1,
      silence: 'well',
    },
    {
      id: 'NoMedia',
      means: 'Virtual participants are taken, and for five minutes none of them has sent a frame.',
      first: 'see in the dashboard whether invites come as far as their stage, and read the log of the tasks.',
      metric: takenWithoutMedia(metrics),
      rings: 'above',
      threshold: 0,
      periods: 5,
      silence: 'well',
    },
    {
      id: 'Failures',
      means:
        'More than two invites in 15 minutes failed by a fault of the virtual participant, the network or the stage.',
      first: 'see in the dashboard which code it is, then read the log of the tasks for that code.',
      metric: failuresNotOfTheCaller(metrics),
      rings: 'above',
      threshold: 2,
      periods: 1,
      silence: 'well',
    },
    {
      id: 'SlowInvites',
      means: `One invite in twenty takes more than ${SLOW_INVITE_SECONDS} seconds until media is seen leaving.`,
      first:
        'see in the dashboard which phase is slow: prepare is token and asset, join is IVS, publish is the network.',
      metric: metrics.server('vp_invite_seconds', { statistic: Stats.percentile(95), minutes: 5 }),
      rings: 'above',
      threshold: SLOW_INVITE_SECONDS,
      periods: 3,
      silence: 'well',
    },
    {
      id: 'ScalerFails',
      means: 'The function that sets the number of tasks fails, so that the pool neither grows nor shrinks.',
      first: 'read its log; until it works, set the desired count of the service by hand.',
      metric: scaler.metricErrors({ period: minutes(5), statistic: Stats.SUM }),
      rings: 'above',
      threshold: 2,
      periods: 1,
      silence: 'well',
    },
    {
      id: 'ScalerLags',
      means: 'Status changes wait for more than a minute before the number of tasks follows them.',
      first: 'look at errors and throttles of the function; the account may have no concurrency left.',
      metric: new Metric({
        namespace: 'AWS/Lambda',
        metricName: 'IteratorAge',
        dimensionsMap: { FunctionName: scaler.functionName },
        statistic: Stats.MAXIMUM,
        period: minutes(5),
      }),
      rings: 'above',
      threshold: 60_000,
      periods: 1,
      silence: 'well',
    },
    {
      id: 'EventsNotDelivered',
      means: 'Status changes did not reach EventBridge; who relies on these events has missed some.',
      first:
        'look at the pipe; the messages in the queue say which part of the stream it was, and the table how it stands.',
      metric: events.undelivered.metricApproximateNumberOfMessagesVisible({
        period: minutes(5),
        statistic: Stats.MAXIMUM,
      }),
      rings: 'above',
      threshold: 0,
      periods: 1,
      silence: 'well',
    },
    {
      id: 'RotationFails',
      means: 'The stage key pair could not be rotated. Tokens are still signed with the present one.',
      first: 'read the log of the rotation, then rotate again: aws secretsmanager rotate-secret --secret-id ID.',
      metric: rotation.function.metricErrors({ period: minutes(60), statistic: Stats.SUM }),
      rings: 'above',
      threshold: 0,
      periods: 1,
      silence: 'well',
    },
    {
      id: 'ApiFails',
      means: 'The GraphQL API answers with faults of its own: invites and reports may be lost.',
      first: 'look whether DynamoDB or AppSync has trouble in the region, then read the log of the API.',
      metric: new Metric({
        namespace: 'AWS/AppSync',
        metricName: '5XXError',
        dimensionsMap: { GraphQLAPIId: api.api.apiId },
        statistic: Stats.SUM,
        period: minutes(5),
      }),
      rings: 'above',
      threshold: 4,
      periods: 1,
      silence: 'well',
    },
    {
      id: 'TasksEnd',
      means: 'More than two tasks in 15 minutes ended by themselves or did not start.',
      first: 'read the log group of stopped tasks, which has the reason and the exit code of each.',
      metric: stoppedTasks.metric(minutes(15)),
      rings: 'above',
      threshold: 2,
      periods: 1,
      silence: 'well',
    },
  ];
  return settings.minAvailable === 0 ? ours : [noPlaceFree(metrics), ...ours];
}

/** Only where some are to be kept free. It looks at what the tasks say, and not at what the pool's function counts. */
function noPlaceFree(metrics: Metrics): AlarmPlan {
  return {
    id: 'NoPlaceFree',
    means: 'For five minutes no virtual participant was free: invites are answered with NO_CAPACITY.',
    first: 'see whether tasks run at all; if they are all taken, raise maxTasks and deploy, or kick those not needed.',
    metric: metrics.server('vp_places_free', { statistic: Stats.MAXIMUM }),
    rings: 'below',
    threshold: 1,
    periods: 5,
    silence: 'bad',
  };
}

/** 1 in a minute in which places were taken and no frame left, else 0; both are sampled once a minute by each task. */
function takenWithoutMedia(metrics: Metrics): IMetric {
  return new MathExpression({
    expression: 'IF(taken > 0 AND frames == 0, 1, 0)',
    usingMetrics: {
      taken: metrics.server('vp_places_taken', { statistic: Stats.SUM }),
      frames: metrics.server('vp_frames_total', { statistic: Stats.SUM }),
    },
    period: Duration.minutes(1),
    label: 'Taken without media',
  });
}

function failuresNotOfTheCaller(metrics: Metrics): IMetric {
  const origins = ['participant', 'network', 'stage'] as const;
  const usingMetrics = Object.fromEntries(
    origins.map((origin) => [
      origin,
      metrics.server('vp_failures_total', { statistic: Stats.SUM, minutes: 15 }, { origin }),
    ]),
  );
  return new MathExpression({
    // Where there were none of one origin there is no data, which would make the sum none either.
    expression: origins.map((origin) => `FILL(${origin}, 0)`).join(' + '),
    usingMetrics,
    period: Duration.minutes(15),
    label: 'Failures that are not the caller’s',
  });
}
