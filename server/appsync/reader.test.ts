import { jest } from '@jest/globals';
import { READ_INTERVAL_MS, Reader } from './reader.ts';

const pass = (timeMs: number) => jest.advanceTimersByTimeAsync(timeMs);

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

/** Reads take 100 ms; `fails` decides which of them fail. */
function stand(fails: (count: number) => boolean = () => false) {
  const begun: number[] = [];
  const failed: string[] = [];
  const startMs = Date.now();
  let running = 0;
  let most = 0;
  const reader = new Reader({
    async read() {
      begun.push(Date.now() - startMs);
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 100));
      running -= 1;
      if (fails(begun.length)) throw new Error(`read ${begun.length}`);
    },
    onFailed: (error) => failed.push((error as Error).message),
    random: () => 1,
  });
  return { reader, begun, failed, most: () => most };
}

describe('Reader', () => {
  test('reads once more after a thousand hints that came during a read, and never twice at a time', async () => {
    const { reader, begun, most } = stand();
    for (let hint = 0; hint < 1_000; hint += 1) reader.hint();
    await pass(500);
    expect([begun, most()]).toEqual([[0, 100], 1]);
    reader.close();
  });

  test('reads every 30 s without a hint', async () => {
    const { reader, begun } = stand();
    reader.hint();
    await pass(2 * READ_INTERVAL_MS + 250);
    expect(begun).toEqual([0, 30_100, 60_200]);
    reader.close();
  });

  test('tries again with growing waits after failures, and tells of each', async () => {
    const { reader, begun, failed } = stand((count) => count <= 3);
    reader.hint();
    await pass(5_000);
    expect([begun, failed]).toEqual([
      [0, 600, 1_700, 3_800],
      ['read 1', 'read 2', 'read 3'],
    ]);
    reader.close();
  });

  test('reads no more after its end, and leaves no timer', async () => {
    const { reader, begun, failed } = stand(() => true);
    reader.hint();
    reader.close();
    reader.hint();
    await pass(READ_INTERVAL_MS);
    expect([begun, failed, jest.getTimerCount()]).toEqual([[0], [], 0]);
  });
});
