import type { VpStatus } from '../../../machines/status.ts';
import { countPool, desiredCount, isAtMaximum } from './policy.ts';

const NOW_MS = Date.UTC(2026, 10, 23, 12);
const LIMITS = { minAvailable: 3, maxTasks: 10 };
const seen = (status?: VpStatus, agoMs = 0) => ({ ...(status && { status }), lastSeenAt: NOW_MS - agoMs });

test.each([
  ['INVITED', { free: 0, taken: 1 }],
  ['CONNECTED', { free: 0, taken: 1 }],
  ['PUBLISHED', { free: 0, taken: 1 }],
  ['KICKED', { free: 0, taken: 1 }],
  ['ERRORED', { free: 0, taken: 1 }],
  ['AVAILABLE', { free: 1, taken: 0 }],
  ['STOPPED', { free: 0, taken: 0 }],
  [undefined, { free: 0, taken: 0 }],
] as const)('one that is %s counts as %j', (status, counts) => {
  expect(countPool([seen(status)], NOW_MS)).toEqual(counts);
});

test('one that was seen 30 seconds ago counts as there, a moment later it does not', () => {
  const counts = (agoMs: number) => countPool([seen('PUBLISHED', agoMs), seen('AVAILABLE', agoMs)], NOW_MS);
  expect([counts(30_000), counts(30_001)]).toEqual([
    { free: 1, taken: 1 },
    { free: 0, taken: 0 },
  ]);
});

test.each([
  // free, taken, present, desired
  [1, 0, 1, 3],
  [2, 1, 3, 4],
  [0, 3, 3, 6],
  [3, 4, 7, 7],
  [0, 8, 9, 10],
  [0, 25, 10, 10],
])('with %i free and %i taken the count goes up from %i to %i at once', (free, taken, present, desired) => {
  expect(desiredCount({ free, taken }, LIMITS, present)).toBe(desired);
});

test.each([
  // free, taken, present, desired
  [10, 0, 10, 3],
  [4, 2, 6, 5],
  [4, 0, 6, 5],
  [3, 0, 6, 6],
  [0, 0, 9, 9],
])('with %i free and %i taken it goes down from %i to %i, by what is too many', (free, taken, present, desired) => {
  expect(desiredCount({ free, taken }, LIMITS, present)).toBe(desired);
});

test('a count above a maximum that was lowered comes down to it', () => {
  expect(desiredCount({ free: 0, taken: 20 }, LIMITS, 20)).toBe(10);
});

test('a whole pool that falls silent and comes back one by one keeps its free places', () => {
  let present = 9;
  for (const back of [0, 1, 2, 3, 4, 5, 6]) {
    present = desiredCount({ free: Math.ceil(back / 2), taken: back }, LIMITS, present);
    expect(present).toBe(9);
  }
});

test('a task that died while it was taken is not counted any more when the one in its place is there', () => {
  expect(desiredCount({ free: 3, taken: 2 }, LIMITS, 6)).toBe(6);
  expect(desiredCount({ free: 4, taken: 2 }, LIMITS, 6)).toBe(5);
});

test('the pool is at its maximum when it cannot have its free places, not when it just can', () => {
  expect([7, 8].map((taken) => isAtMaximum({ free: 0, taken }, LIMITS))).toEqual([false, true]);
});
