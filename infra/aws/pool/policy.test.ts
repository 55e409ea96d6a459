import type { VpStatus } from '../../../machines/status.ts';
import { countPool, desiredCount, isAtMaximum, SILENT_WITHIN_MS } from './policy.ts';

const NOW_MS = Date.UTC(2026, 10, 23, 12);
const LIMITS = { minAvailable: 3, maxTasks: 10 };
const seen = (status?: VpStatus, agoMs = 0) => ({ ...(status && { status }), lastSeenAt: NOW_MS - agoMs });

test.each([
  ['INVITED', { free: 0, taken: 1, silent: 0 }],
  ['CONNECTED', { free: 0, taken: 1, silent: 0 }],
  ['PUBLISHED', { free: 0, taken: 1, silent: 0 }],
  ['KICKED', { free: 0, taken: 1, silent: 0 }],
  ['ERRORED', { free: 0, taken: 1, silent: 0 }],
  ['AVAILABLE', { free: 1, taken: 0, silent: 0 }],
  ['STOPPED', { free: 0, taken: 0, silent: 0 }],
  [undefined, { free: 0, taken: 0, silent: 0 }],
] as const)('one that is %s counts as %j', (status, counts) => {
  expect(countPool([seen(status)], NOW_MS)).toEqual(counts);
});

test('one that was seen 30 seconds ago counts as there, a moment later as silent or not at all', () => {
  expect(countPool([seen('PUBLISHED', 30_000), seen('AVAILABLE', 30_000)], NOW_MS)).toEqual({
    free: 1,
    taken: 1,
    silent: 0,
  });
  expect(countPool([seen('PUBLISHED', 30_001), seen('AVAILABLE', 30_001)], NOW_MS)).toEqual({
    free: 0,
    taken: 0,
    silent: 1,
  });
  expect(countPool([seen('PUBLISHED', SILENT_WITHIN_MS + 1)], NOW_MS)).toEqual({ free: 0, taken: 0, silent: 0 });
});

test.each([
  // taken, present, desired
  [0, 1, 3],
  [0, 10, 3],
  [4, 3, 7],
  [7, 3, 10],
  [8, 3, 10],
  [25, 10, 10],
])('with %i taken the count goes from %i to %i', (taken, present, desired) => {
  expect(desiredCount({ free: 1, taken, silent: 0 }, LIMITS, present)).toBe(desired);
});

test.each([
  // taken, silent, present, desired
  [2, 3, 8, 8],
  [2, 3, 6, 6],
  [2, 3, 5, 5],
  [2, 3, 3, 5],
  [2, 3, 9, 8],
  [9, 9, 4, 10],
])(
  'with %i taken and %i silent the count goes from %i to %i: silence moves it neither way',
  (taken, silent, present, desired) => {
    expect(desiredCount({ free: 0, taken, silent }, LIMITS, present)).toBe(desired);
  },
);

test('a whole pool that falls silent and comes back one by one keeps its free places', () => {
  let present = 9;
  for (const back of [0, 1, 2, 3, 4, 5, 6]) {
    present = desiredCount({ free: 0, taken: back, silent: 6 - back }, LIMITS, present);
    expect(present).toBe(9);
  }
});

test('the pool is at its maximum when it cannot have its free places, not when it just can', () => {
  expect([7, 8].map((taken) => isAtMaximum({ free: 0, taken, silent: 0 }, LIMITS))).toEqual([false, true]);
});
