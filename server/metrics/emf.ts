import {
  dimensionOf,
  type LabelsOf,
  METRIC_NAMES,
  METRICS,
  type MetricDefinition,
  type MetricName,
  type RecordMetric,
} from './definitions.ts';

const MINUTE_MS = 60_000;

/**
 * A document of the CloudWatch embedded metric format, ready to be the fields of a log line: what is in `_aws` tells which
 * of the other fields are metrics and which dimensions.
 *
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 */
export interface EmfDocument {
  readonly _aws: {
    /** Milliseconds since 1970. */
    readonly Timestamp: number;
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string;
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[];
    }[];
  };
  readonly [field: string]: unknown;
}

export interface EmfOptions {
  /** The namespace that the metrics have in CloudWatch. */
  namespace: string;
  write(document: EmfDocument): void;
}

/** Keeps what CloudWatch gets once a minute, and passes on the rest. */
export interface Emf {
  readonly record: RecordMetric;
  /** Writes what was counted since the last minute, and no more. */
  close(): void;
}

/**
 * Writes every metric of {@link METRICS} for CloudWatch. What is sampled by the minute is written at the end of each
 * minute of the clock, once, stamped with the minute that is over: so the sum over all tasks in a minute is that of the
 * pool. The timer does not hold the process.
 */
export function startEmf({ namespace, write }: EmfOptions): Emf {
  const sampled = METRIC_NAMES.filter((name) => METRICS[name].cloudWatchSample === 'minute');
  const values = new Map(sampled.map((name) => [name, 0]));
  let timer: NodeJS.Timeout;
  let nextMinute = minuteOf(Date.now()) + 1;

  function writeSample(names: readonly MetricName[], minute: number): void {
    const fields = names.map((name) => [METRICS[name].cloudWatchName, values.get(name) ?? 0]);
    write({ ...directive(namespace, names, minute * MINUTE_MS), ...Object.fromEntries(fields) });
    for (const name of names) if (METRICS[name].type === 'counter') values.set(name, 0);
  }

  function wait(): void {
    timer = setTimeout(
      () => {
        // A timer may be early by a moment, and the clock may be set back; no minute is sampled twice.
        const minute = minuteOf(Date.now());
        if (minute >= nextMinute) {
          writeSample(sampled, minute - 1);
          nextMinute = minute + 1;
        }
        wait();
      },
      nextMinute * MINUTE_MS - Date.now(),
    );
    timer.unref();
  }
  wait();

  return {
    record(name, value, labels) {
      const { type, cloudWatchName, cloudWatchSample }: MetricDefinition = METRICS[name];
      if (cloudWatchSample === 'minute') {
        values.set(name, type === 'counter' ? (values.get(name) ?? 0) + value : value);
        return;
      }
      write({ ...directive(namespace, [name], Date.now()), ...dimensions(labels), [cloudWatchName]: value });
    },
    close() {
      clearTimeout(timer);
      const rest = sampled.filter((name) => METRICS[name].type === 'counter' && values.get(name) !== 0);
      if (rest.length > 0) writeSample(rest, minuteOf(Date.now()));
    },
  };
}

function minuteOf(timeMs: number): number {
  return Math.floor(timeMs / MINUTE_MS);
}

/** Of metrics that have the same dimensions. */
function directive(namespace: string, names: readonly MetricName[], timestampMs: number): Pick<EmfDocument, '_aws'> {
  const definitions: MetricDefinition[] = names.map((name) => METRICS[name]);
  return {
    _aws: {
      Timestamp: timestampMs,
      CloudWatchMetrics: [
        {
          Namespace: namespace,
          Dimensions: (definitions[0]?.cloudWatchDimensions ?? [[]]).map((set) => set.map(dimensionOf)),
          Metrics: definitions.map(({ cloudWatchName, unit }) => ({ Name: cloudWatchName, Unit: unit })),
        },
      ],
    },
  };
}

function dimensions(labels: LabelsOf<MetricName>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([label, value]) => [dimensionOf(label), value]));
}
