import { BACKOFF_MS, createBackoff } from './backoff.ts';

const waits = (random: () => number, count: number) => {
  const backoff = createBackoff(random);
  return Array.from({ length: count }, () => backoff.next());
};

describe('Backoff', () => {
  test('waits the least each time when chance gives the least', () => {
    expect(waits(() => 0, 10)).toEqual(Array(10).fill(BACKOFF_MS.least));
  });

  test('doubles its ceiling with each try up to 30 s', () => {
    expect(waits(() => 1, 9)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]);
  });

  test('begins anew after a success', () => {
    const backoff = createBackoff(() => 1);
    backoff.next();
    backoff.next();
    backoff.reset();
    expect([backoff.next(), backoff.next()]).toEqual([500, 1_000]);
  });
});
