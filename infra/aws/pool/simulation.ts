import { pathToFileURL } from 'node:url';
import { type TaskSize, taskUsdPerHour } from '../cost.ts';
import { DEFAULT_SIZE } from '../settings.ts';
import type { PoolLimits } from './policy.ts';
import { chart } from './simulation/chart.ts';
import { EVERYDAY, PATTERNS, type Pattern } from './simulation/patterns.ts';
import { Pool } from './simulation/pool.ts';

/** In seconds, and assumed, not measured: Fargate keeps no image, so each start pulls it. */
export const START_S = [35, 60] as const;
export const LIMITS: PoolLimits = { minAvailable: 3, maxTasks: 40 };
/** Of a task, for its price. */
export const TASK_SIZE: TaskSize = { vcpu: DEFAULT_SIZE.cpu / 1_024, memoryGb: DEFAULT_SIZE.memoryMiB / 1_024 };

/** What became of a pattern. */
export interface Outcome {
  readonly pool: Pool;
  readonly invites: number;
  /** Share of the invites that found a free place at once, from 0 to 1. */
  readonly atOnce: number;
  readonly medianS: number;
  readonly p99S: number;
  readonly refused: number;
  readonly tasksStarted: number;
  /** Hours that were paid for and not used, for each that was used. */
  readonly waste: number;
  readonly usdPerVpHour: number;
}

/** Any number: it only makes every run the same. */
const SEED = 20_261_126;

/** Fargate takes at least a minute for each task. */
const LEAST_BILLED_S = 60;

/** Runs a pattern; no real time passes. The same every time. */
export function simulate(
  pattern: Pattern,
  limits: PoolLimits = LIMITS,
  startS: readonly [number, number] = START_S,
): Outcome {
  const pool = new Pool({ ...limits, startS, seed: SEED });
  pattern.run(pool);
  pool.clock.run(pattern.hours * 3_600);
  const waitsS = [...pool.waitsS].sort((a, b) => a - b);
  const at = (share: number) => waitsS[Math.min(waitsS.length - 1, Math.floor(share * waitsS.length))] ?? 0;
  const { tasks } = pool.service;
  const billedS = tasks
    .map(({ startedS, goneS }) => Math.max(LEAST_BILLED_S, (goneS ?? pool.clock.nowS) - startedS))
    .reduce((sum, lengthS) => sum + lengthS, 0);
  const invites = waitsS.length + pool.refused;
  return {
    pool,
    invites,
    atOnce: waitsS.filter((waitS) => waitS === 0).length / invites,
    medianS: at(0.5),
    p99S: at(0.99),
    refused: pool.refused,
    tasksStarted: tasks.length,
    waste: billedS / pool.takenS - 1,
    usdPerVpHour: (billedS / pool.takenS) * taskUsdPerHour(TASK_SIZE),
  };
}

/** The tables and the chart of README.md. */
export function report(): string {
  const cells = ({ invites, atOnce, medianS, p99S, refused, tasksStarted, pool, waste, usdPerVpHour }: Outcome) => [
    `${invites}`,
    `${(atOnce * 100).toFixed(1)} %`,
    `${medianS.toFixed(0)} s`,
    `${p99S.toFixed(0)} s`,
    `${refused}`,
    `${pool.again}`,
    `${tasksStarted}`,
    `${pool.countChanges}`,
    waste.toFixed(2),
    `$${usdPerVpHour.toFixed(3)}`,
  ];
  const row = (parts: string[]) => `| ${parts.join(' | ')} |`;
  const table = (first: string, rows: string[][]) => {
    const head = [
      first,
      'invites',
      'at once',
      'median',
      '99th of 100',
      'refused',
      'made again',
      'tasks started',
      'count changes',
      'idle per used hour',
      'per VP-hour',
    ];
    return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n');
  };
  const { minAvailable, maxTasks } = LIMITS;
  const hourly = `$${taskUsdPerHour(TASK_SIZE).toFixed(5)}`;
  return `minAvailable ${minAvailable}, maxTasks ${maxTasks}; a task is AVAILABLE ${START_S.join(' to ')} s after its start (assumed) and takes ${hourly} an hour.

${PATTERNS.map(({ name, what }) => `- *${name}*: ${what}`).join('\n')}

${table(
  'pattern',
  PATTERNS.map((pattern) => [pattern.name, ...cells(simulate(pattern))]),
)}

The everyday week with other numbers of free places:

${table(
  'minAvailable',
  [1, 2, 3, 4, 5, 8].map((free) => [`${free}`, ...cells(simulate(EVERYDAY, { minAvailable: free, maxTasks }))]),
)}

Its first evening with ${minAvailable} free places: above the tasks that run, below those that are taken.

${chart(EVERYDAY, { ...LIMITS, startS: START_S, seed: SEED, fromHour: 16, untilHour: 24 })}
`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.stdout.write(report());
