import type { Pool } from './pool.ts';

export interface Pattern {
  readonly name: string;
  readonly what: string;
  readonly hours: number;
  run(pool: Pool): void;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** Invites at random moments, so many an hour, for as long as the pattern lasts. */
function arrive(pool: Pool, untilS: number, perHour: (hourOfDay: number) => number, meanLengthS: number): void {
  const most = Math.max(...Array.from({ length: 24 }, (_, hour) => perHour(hour)));
  const next = (): void => {
    pool.clock.after(pool.random.exponential(HOUR / most), () => {
      if (pool.clock.nowS > untilS) return;
      const hourOfDay = Math.floor(pool.clock.nowS / HOUR) % 24;
      if (pool.random.next() < perHour(hourOfDay) / most) pool.invite(pool.random.exponential(meanLengthS));
      next();
    });
  };
  next();
}

const every = (pool: Pool, intervalS: number, fromS: number, untilS: number, run: () => void): void => {
  for (let atS = fromS; atS < untilS; atS += intervalS) pool.clock.after(atS, run);
};

const steady = (pool: Pool): void => arrive(pool, 12 * HOUR, () => 20, 30 * MINUTE);

export const EVERYDAY: Pattern = {
  name: 'everyday',
  what: 'a week: 1 invite an hour at night, 5 by day, 40 from 18 to 22 h, of 20 minutes',
  hours: 7 * 24,
  run: (pool) => arrive(pool, 7 * 24 * HOUR, (hour) => (hour < 7 ? 1 : hour >= 18 && hour < 22 ? 40 : 5), 20 * MINUTE),
};

export const PATTERNS: readonly Pattern[] = [
  EVERYDAY,
  { name: 'steady', what: '20 invites an hour, of 30 minutes', hours: 12, run: steady },
  {
    name: 'burst',
    what: '30 invites at once, ten times the free places, of 10 minutes',
    hours: 1,
    run: (pool) =>
      every(pool, 1, 10 * MINUTE, 10 * MINUTE + 1, () => Array.from({ length: 30 }, () => pool.invite(600))),
  },
  {
    name: 'storm',
    what: 'an invite a second for 10 minutes, each kicked after 2 s',
    hours: 1,
    run: (pool) => every(pool, 1, 10 * MINUTE, 20 * MINUTE, () => pool.invite(2)),
  },
  {
    name: 'all end at once',
    what: '20 invites, one every 30 s, which all end at the same moment',
    hours: 1,
    run: (pool) => every(pool, 30, 10 * MINUTE, 20 * MINUTE, () => pool.invite(40 * MINUTE - pool.clock.nowS)),
  },
  {
    name: 'flapping',
    what: 'an invite every 90 s that lasts 45 s, about as long as a task takes to start',
    hours: 1,
    run: (pool) => every(pool, 90, 10 * MINUTE, 55 * MINUTE, () => pool.invite(45)),
  },
  {
    name: 'dying tasks',
    what: 'steady, and every 5 minutes a task dies without a word',
    hours: 12,
    run(pool) {
      steady(pool);
      every(pool, 5 * MINUTE, 5 * MINUTE, 12 * HOUR, () => pool.killOne());
    },
  },
  {
    name: 'deployment',
    what: 'steady, with a deployment after 6 hours',
    hours: 12,
    run(pool) {
      steady(pool);
      pool.clock.after(6 * HOUR, () => pool.service.deploy());
    },
  },
];
