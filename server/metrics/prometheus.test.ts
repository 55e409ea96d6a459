import { METRIC_NAMES, METRICS, type MetricDefinition } from './definitions.ts';
import { createPrometheus } from './prometheus.ts';

const create = () => createPrometheus({ vp: 'vp-1', version: '1.2.3' });
/** The value of each series, by its name and labels as they are written. */
const valuesOf = (text: string) =>
  new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );

describe('createPrometheus', () => {
  it('has every metric with its type and help, and every series with 0, from the start', async () => {
    const text = await create().text();
    const values = valuesOf(text);
    for (const name of METRIC_NAMES) {
      const { type, help, series }: MetricDefinition = METRICS[name];
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
      const suffix = type === 'histogram' ? '_count' : '';
      const labels = series.map((one) => Object.entries(one).map(([label, value]) => `${label}="${value}"`));
      const names = labels.map((one) => `${name}${suffix}${one.length > 0 ? `{${one}}` : ''}`);
      expect(names.map((one) => [one, values.get(one)])).toEqual(names.map((one) => [one, 0]));
    }
  });

  it('sets a gauge, adds to a counter, counts a time in its buckets', async () => {
    const { record, text } = create();
    record('vp_places_free', 1, {});
    record('vp_places_free', 0, {});
    record('vp_frames_total', 30, {});
    record('vp_frames_total', 12, {});
    record('vp_failures_total', 1, { origin: 'network', code: 'JOIN_FAILED' });
    record('vp_invite_phase_seconds', 0.25, { phase: 'join' });
    record('vp_invite_phase_seconds', 99, { phase: 'join' });
    const values = valuesOf(await text());
    expect([
      values.get('vp_places_free'),
      values.get('vp_frames_total'),
      values.get('vp_failures_total{origin="network",code="JOIN_FAILED"}'),
      values.get('vp_invite_phase_seconds_bucket{le="0.2",phase="join"}'),
      values.get('vp_invite_phase_seconds_bucket{le="0.3",phase="join"}'),
      values.get('vp_invite_phase_seconds_bucket{le="100",phase="join"}'),
      values.get('vp_invite_phase_seconds_sum{phase="join"}'),
      values.get('vp_invite_phase_seconds_count{phase="leave"}'),
    ]).toEqual([0, 42, 1, 0, 1, 2, 99.25, 0]);
  });

  it('says who it is, and how the process fares', async () => {
    const { text, contentType } = create();
    const values = valuesOf(await text());
    expect(contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(values.get('vp_info{vp="vp-1",version="1.2.3"}')).toBe(1);
    expect(values.get('process_resident_memory_bytes')).toBeGreaterThan(0);
  });

  it('shares nothing with another of its kind', async () => {
    const [one, other] = [create(), create()];
    one.record('vp_invites_total', 1, {});
    expect(valuesOf(await other.text()).get('vp_invites_total')).toBe(0);
  });
});
