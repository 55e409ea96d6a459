import { FAILURES, type FailureCode } from '../../machines/failures.ts';

/**
 * What an invite spends its time on: token and asset; the stage, until it is joined; until media is seen leaving; until
 * media is seen leaving again; until there is evidence that the stage was left.
 */
export const PHASES = ['prepare', 'join', 'publish', 'recover', 'leave'] as const;
export type Phase = (typeof PHASES)[number];

/** What had to be made anew before media was seen leaving again, the deepest of it: publishing, the stage, the page. */
export const CAUSES = ['media', 'stage', 'page'] as const;
export type Cause = (typeof CAUSES)[number];

const FAILURE_CODES = Object.keys(FAILURES) as FailureCode[];

/**
 * Upper bounds in seconds. Most invites are published after 0.2 to 0.4 s; the slowest that still succeed use up the
 * attempts of the page, which end before 100 s.
 */
const BUCKETS = [0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 1, 2, 5, 10, 20, 50, 100] as const;

/** One metric, as Prometheus and as CloudWatch know it. */
export interface MetricDefinition {
  readonly type: 'gauge' | 'counter' | 'histogram';
  /** One sentence for a person. */
  readonly help: string;
  /** As CloudWatch writes it; Prometheus has it in the name. */
  readonly unit: 'Count' | 'Seconds' | 'Bytes';
  /** The labels of each series that there can be; `[{}]`: it has none. Each series is there from the start, with 0. */
  readonly series: readonly Readonly<Record<string, string>>[];
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
  /** Its name in CloudWatch. */
  readonly cloudWatchName: string;
  /** When CloudWatch gets it: a value at each event, or one a minute (of a counter: what was added in that minute). */
  readonly cloudWatchSample: 'event' | 'minute';
  /**
   * By which labels CloudWatch keeps it apart, each a dimension with a capital letter ({@link dimensionOf}); `[]`: all
   * together. Each combination of values that occurs is a metric to pay for.
   */
  readonly cloudWatchDimensions: readonly (readonly string[])[];
}

/** Every metric, by its Prometheus name: what `/metrics`, the log lines for CloudWatch and docs/metrics.md are made of. */
export const METRICS = {
  vp_places_free: {
    type: 'gauge',
    help: 'Places that an invite can take now: 1 while the participant is AVAILABLE, else 0.',
    unit: 'Count',
    series: [{}],
    cloudWatchName: 'PlacesFree',
    cloudWatchSample: 'minute',
    cloudWatchDimensions: [[]],
  },
  vp_places_taken: {
    type: 'gauge',
    help: 'Places that are taken: 1 from the invite until its stage was left and its end was told, else 0.',
    unit: 'Count',
    series: [{}],
    cloudWatchName: 'PlacesTaken',
    cloudWatchSample: 'minute',
    cloudWatchDimensions: [[]],
  },
  vp_invites_total: {
    type: 'counter',
    help: 'Invites that were taken.',
    unit: 'Count',
    series: [{}],
    cloudWatchName: 'Invites',
    cloudWatchSample: 'event',
    cloudWatchDimensions: [[]],
  },
  vp_invite_seconds: {
    type: 'histogram',
    help: 'Time from the invite until media was first seen leaving.',
    unit: 'Seconds',
    series: [{}],
    buckets: BUCKETS,
    cloudWatchName: 'InviteSeconds',
    cloudWatchSample: 'event',
    cloudWatchDimensions: [[]],
  },
  vp_invite_phase_seconds: {
    type: 'histogram',
    help: 'Time of each phase of an invite that came to its end; what failed or was called off is not in it.',
    unit: 'Seconds',
    series: PHASES.map((phase) => ({ phase })),
    buckets: BUCKETS,
    cloudWatchName: 'InvitePhaseSeconds',
    cloudWatchSample: 'event',
    cloudWatchDimensions: [['phase']],
  },
  vp_frames_total: {
    type: 'counter',
    help: 'Video frames that left for the stage.',
    unit: 'Count',
    series: [{}],
    cloudWatchName: 'Frames',
    cloudWatchSample: 'minute',
    cloudWatchDimensions: [[]],
  },
  vp_bytes_total: {
    type: 'counter',
    help: 'Bytes of audio and video that left for the stage.',
    unit: 'Bytes',
    series: [{}],
    cloudWatchName: 'Bytes',
    cloudWatchSample: 'minute',
    cloudWatchDimensions: [[]],
  },
  vp_recoveries_total: {
    type: 'counter',
    help: 'Times that media stopped while an invite stood and was seen leaving again, by what had to be made anew.',
    unit: 'Count',
    series: CAUSES.map((cause) => ({ cause })),
    cloudWatchName: 'Recoveries',
    cloudWatchSample: 'event',
    cloudWatchDimensions: [['cause']],
  },
  vp_failures_total: {
    type: 'counter',
    help: 'Invites that ended in ERRORED, by the code of the failure and whose fault it is.',
    unit: 'Count',
    series: FAILURE_CODES.map((code) => ({ origin: FAILURES[code].origin, code })),
    cloudWatchName: 'Failures',
    cloudWatchSample: 'event',
    cloudWatchDimensions: [['origin'], ['code']],
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof METRICS;
export const METRIC_NAMES = Object.keys(METRICS) as MetricName[];

/** The labels of one series of a metric; `{}` for a metric without. */
export type LabelsOf<N extends MetricName> = (typeof METRICS)[N]['series'][number];

/**
 * Takes a value of a metric: a gauge is set to it, a counter is raised by it, a histogram counts it. It returns at once
 * and never throws for what it was given by its type.
 */
export type RecordMetric = <N extends MetricName>(name: N, value: number, labels: LabelsOf<N>) => void;

/** What a label is called as a dimension of CloudWatch: `code` is `Code`. */
export function dimensionOf(label: string): string {
  return `${label.charAt(0).toUpperCase()}${label.slice(1)}`;
}
