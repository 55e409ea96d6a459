import { Metric, type MetricProps } from 'aws-cdk-lib/aws-cloudwatch';
import { Duration } from 'aws-cdk-lib/core';
import { dimensionOf, METRICS, type MetricName } from '../../../server/metrics/definitions.ts';
import type { PoolMetric } from '../pool/scaler.ts';

/** How a metric is looked at: `statistic` as in `Stats`; the period in minutes, 1 by default. */
export type View = Pick<MetricProps, 'statistic' | 'label'> & { readonly minutes?: number };

/** The metrics that tasks and the pool's function write with their logs. */
export class Metrics {
  readonly #namespace: string;
  readonly #serviceName: string;

  constructor(namespace: string, serviceName: string) {
    this.#namespace = namespace;
    this.#serviceName = serviceName;
  }

  /**
   * One of the server's, by its Prometheus name.
   *
   * @param labels as `definitions.ts` names them: one of the combinations that CloudWatch keeps apart
   */
  server(name: MetricName, view: View, labels: Readonly<Record<string, string>> = {}): Metric {
    const dimensions = Object.entries(labels).map(([label, value]) => [dimensionOf(label), value]);
    return this.#metric(METRICS[name].cloudWatchName, view, Object.fromEntries(dimensions));
  }

  pool(name: PoolMetric, view: View): Metric {
    return this.#metric(name, view, { Service: this.#serviceName });
  }

  #metric(metricName: string, { minutes = 1, ...view }: View, dimensionsMap: Record<string, string>): Metric {
    const period = Duration.minutes(minutes);
    return new Metric({ namespace: this.#namespace, metricName, dimensionsMap, period, ...view });
  }
}
