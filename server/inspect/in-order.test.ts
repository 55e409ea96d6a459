import { jest } from '@jest/globals';
import { HOLD_MS, InOrder } from './in-order.ts';
import { stateAt } from './testing/inspections.ts';

const START_MS = 1_700_000_000_000;

function stand() {
  const released: [value: unknown, atMs: number][] = [];
  const inOrder = new InOrder(({ createdAt, ...inspection }) => {
    released.push([(inspection as unknown as { snapshot: { value: unknown } }).snapshot.value, Date.now() - START_MS]);
  });
  const take = (value: string, atMs: number) => inOrder.take(stateAt(START_MS + atMs, value));
  return { inOrder, released, take };
}

beforeEach(() => {
  jest.useFakeTimers({ now: START_MS });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('InOrder', () => {
  it('releases what came late in its place, each once it was held for its time', () => {
    const { released, take } = stand();
    take('a', 0);
    jest.advanceTimersByTime(10);
    take('c', 10);
    jest.advanceTimersByTime(20);
    take('b', 5);

    jest.advanceTimersByTime(HOLD_MS - 30);
    expect(released).toEqual([['a', HOLD_MS]]);
    jest.advanceTimersByTime(10);
    expect(released).toEqual([
      ['a', HOLD_MS],
      ['b', HOLD_MS + 5],
      ['c', HOLD_MS + 10],
    ]);
  });

  it('leaves what happened in the same millisecond in the order in which it came', () => {
    const { inOrder, released, take } = stand();
    for (const value of ['a', 'b', 'c']) take(value, 0);
    inOrder.flush();

    expect(released.map(([value]) => value)).toEqual(['a', 'b', 'c']);
  });

  it.each([
    ['later than now', 60_000],
    ['no time', Number.NaN],
  ])('takes a time that is %s for now, so that nothing is held for longer', (_, atMs) => {
    const { released, take } = stand();
    take('a', atMs);
    jest.advanceTimersByTime(HOLD_MS);

    expect(released).toEqual([['a', HOLD_MS]]);
  });

  it('releases all at once when it is flushed, and holds anew what comes then', () => {
    const { inOrder, released, take } = stand();
    take('a', 0);
    inOrder.flush();
    take('b', 0);

    expect(released).toEqual([['a', 0]]);
    jest.advanceTimersByTime(HOLD_MS);
    expect(released).toEqual([
      ['a', 0],
      ['b', HOLD_MS],
    ]);
  });
});
