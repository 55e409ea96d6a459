import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { METRIC_NAMES, METRICS, type MetricDefinition, type MetricName, type RecordMetric } from './definitions.ts';

/** What `/metrics` answers with. */
export interface MetricsPage {
  readonly contentType: string;
  text(): Promise<string>;
}

type Series = Readonly<Record<string, string>>;

/**
 * Keeps every metric of {@link METRICS} for Prometheus, and those of the process (`process_…`, `nodejs_…`) besides.
 * Each series is there from the start, so that its first increase is not missed.
 *
 * @param info - the labels of `vp_info`, whose value is always 1.
 */
export function createPrometheus(info: Series): MetricsPage & { readonly record: RecordMetric } {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: 'vp_info',
    help: 'Who this is: always 1.',
    labelNames: Object.keys(info),
    registers: [registry],
  }).set(info, 1);
  const takers = new Map(METRIC_NAMES.map((name) => [name, takerOf(name, registry)]));
  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    record: (name, value, labels) => takers.get(name)?.(value, labels),
  };
}

function takerOf(name: MetricName, registry: Registry): (value: number, series: Series) => void {
  const { type, help, series: all, buckets }: MetricDefinition = METRICS[name];
  const options = { name, help, labelNames: Object.keys(all[0] ?? {}), registers: [registry] };
  switch (type) {
    case 'gauge': {
      const gauge = new Gauge(options);
      for (const series of all) gauge.set(series, 0);
      return (value, series) => gauge.set(series, value);
    }
    case 'counter': {
      const counter = new Counter(options);
      for (const series of all) counter.inc(series, 0);
      return (value, series) => counter.inc(series, value);
    }
    case 'histogram': {
      const histogram = new Histogram({ ...options, ...(buckets && { buckets: [...buckets] }) });
      for (const series of all) histogram.zero(series);
      return (value, series) => histogram.observe(series, value);
    }
  }
}
