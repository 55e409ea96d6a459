import { readFile } from 'node:fs/promises';
import { CAUSES, dimensionOf, METRIC_NAMES, METRICS, type MetricDefinition, PHASES } from './definitions.ts';

const DEFINITIONS = METRIC_NAMES.map((name): [string, MetricDefinition] => [name, METRICS[name]]);

let document: string;
beforeAll(async () => {
  document = await readFile(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
});

/** The rows of the table whose first heading is `heading`, without the code marks. */
function rowsOf(heading: string): string[][] {
  const rows = new RegExp(`^\\| \`?${heading}\`? \\|.*\\n\\| ---.*\\n((?:\\|.*\\n)+)`, 'm').exec(document)?.[1] ?? '';
  return rows
    .trim()
    .split('\n')
    .map((row) => row.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.replaceAll('`', '').trim()));
}

describe('docs/metrics.md', () => {
  it('has every metric as it is defined, in their order, and no other', () => {
    expect(rowsOf('Prometheus')).toEqual(
      DEFINITIONS.map(([name, { type, cloudWatchName, unit, cloudWatchDimensions, cloudWatchSample, help }]) => {
        const dimensions = cloudWatchDimensions
          .map((labels) => labels.map(dimensionOf).join(', ') || 'none')
          .join('; ');
        return [name, type, cloudWatchName, unit, dimensions, cloudWatchSample, help];
      }),
    );
  });

  it('names no metric that there is not', () => {
    const named = [...document.matchAll(/\bvp_[a-z_]+/g)].map(([name]) => name.replace(/_bucket$/, ''));
    expect(named.filter((name) => name !== 'vp_info' && !(name in METRICS))).toEqual([]);
  });

  it('tells every phase and every cause, and no other', () => {
    expect(rowsOf('phase').map(([phase]) => phase)).toEqual([...PHASES]);
    expect(rowsOf('cause').map(([cause]) => cause)).toEqual([...CAUSES]);
  });

  it('tells how many metrics CloudWatch may bill', () => {
    const combinations = ([, { series, cloudWatchDimensions }]: (typeof DEFINITIONS)[number]) =>
      cloudWatchDimensions.flatMap((labels) => [
        ...new Set(series.map((one) => labels.map((label) => one[label]).join())),
      ]);
    const all = DEFINITIONS.flatMap(combinations).length;
    const ofFailures = DEFINITIONS.filter(([name]) => name === 'vp_failures_total').flatMap(combinations).length;
    expect(document.replaceAll('\n', ' ')).toContain(
      `at most ${all} for the whole pool, whatever its size, of which ${ofFailures} are failures`,
    );
  });
});
