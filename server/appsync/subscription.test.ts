import { jest } from '@jest/globals';
import { unreachable } from './errors.ts';
import {
  READY_TIMEOUT_MS,
  STEADY_MS,
  type Subscription,
  type SubscriptionHandlers,
  subscribeForever,
} from './subscription.ts';

const lost = unreachable('SUBSCRIPTION_LOST', 'Connection closed');
const pass = (timeMs: number) => jest.advanceTimersByTimeAsync(timeMs);

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

function stand(onOpen: (handlers: SubscriptionHandlers) => void = () => {}) {
  const tries: SubscriptionHandlers[] = [];
  const ended: number[] = [];
  const events: string[] = [];
  const subscription: Subscription = subscribeForever(
    (handlers) => {
      const index = tries.push(handlers) - 1;
      onOpen(handlers);
      return { close: async () => void ended.push(index) };
    },
    {
      onReady: () => events.push('ready'),
      onDelivery: (data) => events.push(`delivery ${data}`),
      onLost: ({ code }) => events.push(`lost ${code}`),
    },
    () => 1,
  );
  const attempt = (index: number): SubscriptionHandlers => {
    const handlers = tries[index];
    if (handlers === undefined) throw new Error(`There was no try ${index}.`);
    return handlers;
  };
  return { subscription, tries, ended, events, attempt };
}

describe('subscribeForever', () => {
  test('begins a new try after a loss, and ends the one that was lost', async () => {
    const { tries, ended, events, attempt, subscription } = stand();
    attempt(0).onReady();
    attempt(0).onDelivery('a');
    attempt(0).onLost(lost);
    await pass(499);
    expect([tries.length, ended]).toEqual([1, [0]]);
    await pass(1);
    attempt(1).onReady();
    expect([tries.length, events]).toEqual([2, ['ready', 'delivery a', 'lost SUBSCRIPTION_LOST', 'ready']]);
    await subscription.close();
  });

  test('drops what still comes of a try that was lost', async () => {
    const { tries, events, attempt, subscription } = stand();
    attempt(0).onLost(lost);
    attempt(0).onLost(lost);
    attempt(0).onReady();
    attempt(0).onDelivery('late');
    await pass(500);
    attempt(0).onLost(lost);
    expect([tries.length, events]).toEqual([2, ['lost SUBSCRIPTION_LOST']]);
    await subscription.close();
  });

  test('waits longer after each loss, and the least again after one that was steady', async () => {
    const { tries, attempt, subscription } = stand();
    const startMs = Date.now();
    const begunMs = [0];
    for (const steadyMs of [0, 0, 0, STEADY_MS, 0]) {
      attempt(tries.length - 1).onReady();
      await pass(steadyMs);
      attempt(tries.length - 1).onLost(lost);
      const count = tries.length;
      while (tries.length === count) await pass(100);
      begunMs.push(Date.now() - startMs);
    }
    expect(begunMs).toEqual([0, 500, 1_500, 3_500, 14_000, 15_000]);
    await subscription.close();
  });

  test('gives a try up that is not acknowledged in time', async () => {
    const { ended, events, subscription } = stand();
    await pass(READY_TIMEOUT_MS);
    expect([ended, events]).toEqual([[0], ['lost TIMEOUT']]);
    await subscription.close();
  });

  test('begins a new try when it is renewed, once', async () => {
    const { tries, ended, events, attempt, subscription } = stand();
    attempt(0).onReady();
    subscription.renew(lost);
    subscription.renew(lost);
    await pass(500);
    expect([tries.length, ended, events]).toEqual([2, [0], ['ready', 'lost SUBSCRIPTION_LOST']]);
    await subscription.close();
    subscription.renew(lost);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('keeps its wait when a try fails at once, before it was even handed over', async () => {
    const { tries, ended, subscription } = stand((handlers) => handlers.onLost(lost));
    await pass(1_499);
    expect([tries.length, ended]).toEqual([2, [0, 1]]);
    await subscription.close();
  });

  test('leaves nothing when it is closed while it is open, opening or waiting', async () => {
    for (const act of ['open', 'opening', 'waiting']) {
      const { tries, ended, events, attempt, subscription } = stand();
      if (act === 'open') attempt(0).onReady();
      if (act === 'waiting') attempt(0).onLost(lost);
      const before = [...events];
      await subscription.close();
      attempt(0).onLost(lost);
      await pass(60_000);
      expect([act, tries.length, ended, events, jest.getTimerCount()]).toEqual([act, 1, [0], before, 0]);
    }
  });
});
