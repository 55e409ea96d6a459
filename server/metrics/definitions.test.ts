import { FAILURES } from '../../machines/failures.ts';
import { dimensionOf, METRIC_NAMES, METRICS, type MetricDefinition } from './definitions.ts';

const ALL = METRIC_NAMES.map((name): [string, MetricDefinition] => [name, METRICS[name]]);
/** Without what Prometheus names tell besides: the prefix, that it is a counter, its labels. */
const cloudWatchNameOf = (name: string) =>
  name
    .replace(/^vp_/, '')
    .replace(/_total$/, '')
    .split('_')
    .map(dimensionOf)
    .join('');

describe.each(ALL)('The metric %s', (name, metric) => {
  it('is named by the conventions of Prometheus, and the same for CloudWatch', () => {
    expect(name).toMatch(/^vp_[a-z]+(_[a-z]+)*$/);
    expect(name.endsWith('_total')).toBe(metric.type === 'counter');
    expect(name.endsWith('_seconds')).toBe(metric.unit === 'Seconds');
    expect(metric.cloudWatchName).toBe(cloudWatchNameOf(name));
  });

  it('has the same labels on every series, and each series once', () => {
    const labels = metric.series.map((series) => Object.keys(series).join());
    expect(new Set(labels).size).toBe(1);
    expect(new Set(metric.series.map((series) => JSON.stringify(series))).size).toBe(metric.series.length);
  });

  it('has dimensions that are labels, and at least one set of them', () => {
    const labels = Object.keys(metric.series[0] ?? {});
    expect(metric.cloudWatchDimensions.flat().filter((label) => !labels.includes(label))).toEqual([]);
    expect(metric.cloudWatchDimensions.length).toBeGreaterThan(0);
  });

  it('has buckets that rise, if it is a histogram, and else none', () => {
    const { buckets = [] } = metric;
    expect(buckets.length > 0).toBe(metric.type === 'histogram');
    expect(buckets).toEqual([...new Set(buckets)].sort((one, other) => one - other));
  });
});

describe('METRICS', () => {
  it('has no dimension on what is sampled by the minute, since that goes into one line', () => {
    const sampled = ALL.filter(([, { cloudWatchSample }]) => cloudWatchSample === 'minute');
    expect(sampled.map(([, { series, cloudWatchDimensions }]) => [series, cloudWatchDimensions])).toEqual(
      sampled.map(() => [[{}], [[]]]),
    );
  });

  it('samples by the minute what has no events: gauges', () => {
    expect(ALL.filter(([, { type, cloudWatchSample }]) => type === 'gauge' && cloudWatchSample === 'event')).toEqual(
      [],
    );
  });

  it('counts every code of failure, with whose fault it is', () => {
    expect(METRICS.vp_failures_total.series).toEqual(
      Object.entries(FAILURES).map(([code, { origin }]) => ({ origin, code })),
    );
  });
});
