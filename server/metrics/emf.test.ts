import { jest } from '@jest/globals';
import * as v from 'valibot';
import { FAILURES, type FailureCode } from '../../machines/failures.ts';
import { createLog } from '../log.ts';
import { METRIC_NAMES, METRICS, type MetricDefinition, type RecordMetric } from './definitions.ts';
import { type Emf, startEmf } from './emf.ts';

const NOON = Date.UTC(2030, 0, 1, 12);
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(1_024));

/** The schema that the specification of the format gives, and what it says in words besides. */
const emfSchema = v.object({
  _aws: v.strictObject({
    Timestamp: v.pipe(v.number(), v.integer()),
    CloudWatchMetrics: v.pipe(
      v.array(
        v.strictObject({
          Namespace: name,
          Dimensions: v.pipe(
            v.array(v.pipe(v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(250))), v.maxLength(30))),
            v.minLength(1),
          ),
          Metrics: v.pipe(
            v.array(v.strictObject({ Name: name, Unit: v.picklist(['Count', 'Bytes', 'Seconds']) })),
            v.minLength(1),
            v.maxLength(100),
          ),
        }),
      ),
      v.minLength(1),
    ),
  }),
});

/** What CloudWatch makes of a line of the log: each metric with its value, once for each set of dimensions. */
function readAsCloudWatch(line: string): [string, number, object][] {
  const root = JSON.parse(line) as Record<string, unknown>;
  const { _aws } = v.parse(emfSchema, root);
  return _aws.CloudWatchMetrics.flatMap(({ Dimensions, Metrics }) =>
    Metrics.flatMap(({ Name }) =>
      Dimensions.map((set): [string, number, object] => {
        const dimensions = set.map((label) => [label, v.parse(name, root[label])]);
        return [Name, v.parse(v.pipe(v.number(), v.finite()), root[Name]), Object.fromEntries(dimensions)];
      }),
    ),
  );
}

let lines: string[];
let emf: Emf;
let record: RecordMetric;

beforeEach(() => {
  jest.useFakeTimers({ now: NOON + 10_000 });
  lines = [];
  const destination = { write: (line: string) => lines.push(line) };
  const log = createLog({ vpId: 'vp-1', logLevel: 'info' }, { destination, epoch: () => 7 });
  emf = startEmf({ namespace: 'Team/VP', write: (document) => log.info(document, 'metrics') });
  record = emf.record;
});
afterEach(() => {
  emf.close();
  jest.useRealTimers();
});

/** What CloudWatch read since the last time, with the minutes after noon that it is for. */
const read = () =>
  lines.splice(0).map((line) => {
    const { Timestamp } = JSON.parse(line)._aws as { Timestamp: number };
    return [(Timestamp - NOON) / 60_000, ...readAsCloudWatch(line)];
  });
const sampleOf = (minute: number, free: number, frames: number) => [
  minute,
  ['PlacesFree', free, {}],
  ['PlacesTaken', 0, {}],
  ['Frames', frames, {}],
  ['Bytes', 0, {}],
];

describe('A line of the log for CloudWatch', () => {
  it('has the namespace, the unit, the time of the event, and virtual participant and epoch as plain fields', () => {
    record('vp_invite_phase_seconds', 0.25, { phase: 'join' });
    expect(JSON.parse(lines[0] ?? '')).toEqual({
      level: 'info',
      time: '2030-01-01T12:00:10.000Z',
      vp: 'vp-1',
      epoch: 7,
      _aws: {
        Timestamp: NOON + 10_000,
        CloudWatchMetrics: [
          {
            Namespace: 'Team/VP',
            Dimensions: [['Phase']],
            Metrics: [{ Name: 'InvitePhaseSeconds', Unit: 'Seconds' }],
          },
        ],
      },
      Phase: 'join',
      InvitePhaseSeconds: 0.25,
      msg: 'metrics',
    });
  });

  it.each(METRIC_NAMES)('can be read by CloudWatch for every series of %s, whatever the log blanks', (metric) => {
    const { series, cloudWatchName, cloudWatchSample, cloudWatchDimensions }: MetricDefinition = METRICS[metric];
    const recordAny = record as (name: string, value: number, labels: object) => void;
    for (const labels of series) recordAny(metric, 1, labels);
    if (cloudWatchSample === 'minute') jest.advanceTimersByTime(60_000);
    const values = lines.flatMap(readAsCloudWatch).filter(([name]) => name === cloudWatchName);
    expect(values.map(([, value]) => value)).toEqual(series.flatMap(() => cloudWatchDimensions.map(() => 1)));
  });

  it('counts a failure by its origin and by its code, each alone', () => {
    const code: FailureCode = 'TOKEN_REUSED';
    record('vp_failures_total', 1, { origin: FAILURES[code].origin, code });
    expect(read().map(([, ...metrics]) => metrics)).toEqual([
      [
        ['Failures', 1, { Origin: 'caller' }],
        ['Failures', 1, { Code: 'TOKEN_REUSED' }],
      ],
    ]);
  });
});

describe('The sample of a minute', () => {
  it('is written once at the end of each minute of the clock, for that minute: the last of a gauge, the sum of a counter', () => {
    record('vp_places_free', 1, {});
    record('vp_frames_total', 30, {});
    record('vp_frames_total', 12, {});
    jest.advanceTimersByTime(49_999);
    expect(read()).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(read()).toEqual([sampleOf(0, 1, 42)]);
    record('vp_places_free', 0, {});
    record('vp_frames_total', 5, {});
    jest.advanceTimersByTime(2 * 60_000);
    expect(read()).toEqual([sampleOf(1, 0, 5), sampleOf(2, 0, 0)]);
  });

  it('is written for no minute twice, also when the clock is set back', () => {
    jest.advanceTimersByTime(50_000);
    jest.setSystemTime(NOON + 30_000);
    jest.advanceTimersByTime(3 * 60_000);
    expect(read().map(([minute]) => minute)).toEqual([0, 1, 2]);
  });

  it('is left out for minutes in which the process stood still', () => {
    jest.setSystemTime(NOON + 5 * 60_000 + 1_000);
    jest.advanceTimersByTime(50_000);
    jest.advanceTimersByTime(60_000);
    expect(read().map(([minute]) => minute)).toEqual([4, 5]);
  });
});

describe('close()', () => {
  it('writes what was counted since, in the present minute, and no gauge a second time', () => {
    record('vp_places_free', 1, {});
    record('vp_frames_total', 7, {});
    jest.advanceTimersByTime(55_000);
    record('vp_frames_total', 5, {});
    emf.close();
    expect(read()).toEqual([sampleOf(0, 1, 7), [1, ['Frames', 5, {}]]]);
  });

  it('ends the samples, and writes nothing where nothing was counted', () => {
    emf.close();
    expect([read(), jest.getTimerCount()]).toEqual([[], 0]);
  });
});
