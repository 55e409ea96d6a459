import { readFileSync } from 'node:fs';
import { PATTERNS, type Pattern } from './simulation/patterns.ts';
import type { Pool } from './simulation/pool.ts';
import { LIMITS, type Outcome, report, simulate } from './simulation.ts';

/** For what still starts or stops when a pattern is over. */
const SETTLE_S = 5 * 60;

const OUTCOMES = new Map<string, Outcome>(PATTERNS.map((pattern) => [pattern.name, simulate(pattern)]));
const NAMES = PATTERNS.map(({ name }) => name);
const poolOf = (name: string) => (OUTCOMES.get(name) as Outcome).pool;

test.each(NAMES)('%s: no session is ever cut by ECS', (name) => {
  expect(poolOf(name).cut).toBe(0);
});

test.each(NAMES)('%s: no more than the maximum is ever asked for, or running outside of a deployment', (name) => {
  const { mostDesired, service } = poolOf(name);
  expect(mostDesired).toBeLessThanOrEqual(LIMITS.maxTasks);
  const factor = name === 'deployment' ? 2 : 1;
  expect(service.mostRunning).toBeLessThanOrEqual(factor * mostDesired);
});

test.each(NAMES)('%s: the count changes at most once for each change of a status', (name) => {
  const { countChanges, statusChanges } = poolOf(name);
  expect(countChanges).toBeGreaterThan(0);
  expect(countChanges).toBeLessThanOrEqual(statusChanges);
});

test.each(NAMES)(
  '%s: when all sessions are over, as many places are free as should be, and no task is too many',
  (name) => {
    const pool = poolOf(name);
    for (let tries = 0; tries < 100 && pool.counts.taken > 0; tries += 1) pool.clock.run(pool.clock.nowS + SETTLE_S);
    pool.clock.run(pool.clock.nowS + SETTLE_S);
    const { minAvailable } = LIMITS;
    expect([pool.counts, pool.service.desired, pool.service.running.length]).toEqual([
      { free: minAvailable, taken: 0 },
      minAvailable,
      minAvailable,
    ]);
  },
);

test('the dead that are replaced before they are forgotten leave a place too many at most until the next change', () => {
  const { pool } = simulate(patternOf('dying tasks'), LIMITS, [15, 20]);
  untilOver(pool);
  expect([pool.cut, pool.counts.free - LIMITS.minAvailable]).toEqual([0, 0]);
});

test('a maximum that is too low refuses invites and nothing else', () => {
  const { pool, refused } = simulate(patternOf('steady'), { minAvailable: 3, maxTasks: 8 });
  expect([refused > 0, pool.cut, pool.mostDesired, pool.service.mostRunning]).toEqual([true, 0, 8, 8]);
});

test('a place that becomes free is not given up while its successor starts: a storm is served by few tasks', () => {
  const { atOnce, refused, tasksStarted } = OUTCOMES.get('storm') as Outcome;
  expect(atOnce).toBeGreaterThan(0.99);
  expect([refused, tasksStarted < 30]).toEqual([0, true]);
});

/** Lets time pass until all sessions are over, and a while more. */
function untilOver(pool: Pool): void {
  for (let tries = 0; tries < 100 && pool.counts.taken > 0; tries += 1) pool.clock.run(pool.clock.nowS + SETTLE_S);
  pool.clock.run(pool.clock.nowS + SETTLE_S);
}

function patternOf(name: string): Pattern {
  const pattern = PATTERNS.find((one) => one.name === name);
  if (!pattern) throw new Error(`There is no pattern "${name}".`);
  return pattern;
}

test('README.md has what the simulation prints', () => {
  const readme = readFileSync(new URL('./README.md', import.meta.url), 'utf8');
  expect(readme).toContain(report());
});
