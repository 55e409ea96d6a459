import {
  type Alarm,
  AlarmStatusWidget,
  Dashboard,
  GraphWidget,
  type IMetric,
  LogQueryWidget,
  Stats,
} from 'aws-cdk-lib/aws-cloudwatch';
import { Duration, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { FAILURES } from '../../../machines/failures.ts';
import type { MetricName } from '../../../server/metrics/definitions.ts';
import { CAUSES, PHASES } from '../../../server/metrics/definitions.ts';
import type { PoolMetric } from '../pool/scaler.ts';
import type { Metrics } from './metrics.ts';
import type { ObservabilityProps } from './props.ts';
import type { StoppedTasks } from './stopped-tasks.ts';

/** The dashboard has 24 columns. */
const HALF = 12;

/** One page that answers: are places free, are invites fast, what fails, does media flow, what costs. */
export function dashboard(
  scope: Construct,
  { service, pool }: ObservabilityProps,
  metrics: Metrics,
  stoppedTasks: StoppedTasks,
  alarms: readonly Alarm[],
): Dashboard {
  const ofPool = (metric: PoolMetric) => metrics.pool(metric, { statistic: Stats.MAXIMUM, label: metric });
  const phase = (statistic: string, label: string) =>
    PHASES.map((phase) =>
      metrics.server('vp_invite_phase_seconds', { statistic, minutes: 5, label: `${phase} ${label}` }, { phase }),
    );
  const sum = (metric: MetricName, label: string) =>
    metrics.server(metric, { statistic: Stats.SUM, minutes: 5, label });

  return new Dashboard(scope, 'Dashboard', {
    dashboardName: Stack.of(scope).stackName,
    defaultInterval: Duration.hours(3),
    widgets: [
      [new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 2 * HALF, height: 3 })],
      [
        graph('Places, as the tasks say', [
          metrics.server('vp_places_free', { statistic: Stats.SUM, label: 'free' }),
          metrics.server('vp_places_taken', { statistic: Stats.SUM, label: 'taken' }),
        ]),
        graph('Pool, at each status change', [ofPool('Desired'), ofPool('Taken'), ofPool('Free')]),
      ],
      [
        graph('Seconds of each phase, half of the invites', phase(Stats.p(50), 'p50')),
        graph('Seconds of each phase, one in twenty is slower', phase(Stats.p(95), 'p95')),
      ],
      [
        graph('Failures by code', failuresByCode(metrics)),
        graph(
          'Recoveries by what was made anew',
          CAUSES.map((cause) =>
            metrics.server('vp_recoveries_total', { statistic: Stats.SUM, minutes: 5, label: cause }, { cause }),
          ),
        ),
      ],
      [
        graph('Invites, frames', [sum('vp_invites_total', 'invites'), sum('vp_frames_total', 'frames')], true),
        graph('Bytes that left', [sum('vp_bytes_total', 'bytes')]),
      ],
      [
        graph('Tasks that ended by themselves', [stoppedTasks.metric(Duration.minutes(5))]),
        graph('Function of the pool', [
          pool.scaler.function.metricInvocations({ period: Duration.minutes(5) }),
          pool.scaler.function.metricErrors({ period: Duration.minutes(5) }),
        ]),
      ],
      [
        new LogQueryWidget({
          title: 'Last warnings and errors of the tasks',
          logGroupNames: [service.logs.logGroupName],
          queryLines: [
            'fields @timestamp, vp, epoch, msg',
            'filter level in ["warn", "error", "fatal"]',
            'sort @timestamp desc',
            'limit 50',
          ],
          width: 2 * HALF,
          height: 8,
        }),
      ],
    ],
  });
}

function graph(title: string, metrics: IMetric[], isSplit = false): GraphWidget {
  const [first, ...rest] = metrics;
  return new GraphWidget({
    title,
    width: HALF,
    left: isSplit && first !== undefined ? [first] : metrics,
    right: isSplit ? rest : [],
    leftYAxis: { min: 0 },
  });
}

function failuresByCode(metrics: Metrics): IMetric[] {
  return Object.keys(FAILURES).map((code) =>
    metrics.server('vp_failures_total', { statistic: Stats.SUM, minutes: 5, label: code }, { code }),
  );
}
