import { createBackoff } from './backoff.ts';
import { type AppSyncError, unreachable } from './errors.ts';

export interface SubscriptionHandlers {
  /** From now on changes are delivered; those before are not, so that this is the time to read. */
  onReady(): void;
  /** `data` of the delivery; what an error took out of it is null. */
  onDelivery(data: unknown): void;
  /** Comes once per loss, and once per try that failed; the next try is on its way. */
  onLost(error: AppSyncError): void;
}

export interface Subscription {
  /** Takes the present try for lost, although it seems well. */
  renew(reason: AppSyncError): void;
  /** Ends it for good; resolves when its sockets are closed, within a second. */
  close(): Promise<void>;
}

export interface SubscriptionAttempt {
  /** Resolves when its sockets are closed, within a second. */
  close(): Promise<void>;
}

/** One try: calls `onReady` at most once, then `onDelivery`, then `onLost` at most once. */
export type OpenSubscription = (handlers: SubscriptionHandlers) => SubscriptionAttempt;

/** For a try to be acknowledged, in milliseconds; the link's own handshakes, tried 6 times, take up to 7 s. */
export const READY_TIMEOUT_MS = 20_000;
/** A subscription that was ready for so long was no failure: the wait after it is the shortest again. */
export const STEADY_MS = 10_000;

/**
 * Keeps a subscription for ever: the link mends handshakes but never a connection that was established. A loss ends the
 * try it belongs to, with all its sockets, and a new one begins after a wait; what still comes of an old try is dropped.
 */
export function subscribeForever(
  open: OpenSubscription,
  handlers: SubscriptionHandlers,
  random?: () => number,
): Subscription {
  const backoff = createBackoff(random);
  const ending = new Set<Promise<void>>();
  let generation = 0;
  let attempt: SubscriptionAttempt | null = null;
  let losePresent: (error: AppSyncError) => void = () => {};
  let timer: NodeJS.Timeout | undefined;

  const end = (old: SubscriptionAttempt | null): void => {
    if (old === null) return;
    const ended = old.close();
    ending.add(ended);
    void ended.then(() => ending.delete(ended));
  };

  const begin = (): void => {
    generation += 1;
    const mine = generation;
    let readyAtMs: number | null = null;
    const lose = (error: AppSyncError): void => {
      if (mine !== generation) return;
      generation += 1;
      clearTimeout(timer);
      end(attempt);
      attempt = null;
      if (readyAtMs !== null && performance.now() - readyAtMs >= STEADY_MS) backoff.reset();
      timer = setTimeout(begin, backoff.next());
      handlers.onLost(error);
    };
    losePresent = lose;
    timer = setTimeout(() => {
      lose(unreachable('TIMEOUT', `The subscription was not acknowledged within ${READY_TIMEOUT_MS / 1_000} s.`));
    }, READY_TIMEOUT_MS);
    const opened = open({
      onReady() {
        if (mine !== generation || readyAtMs !== null) return;
        readyAtMs = performance.now();
        clearTimeout(timer);
        handlers.onReady();
      },
      onDelivery(data) {
        if (mine === generation) handlers.onDelivery(data);
      },
      onLost: lose,
    });
    if (mine === generation) attempt = opened;
    else end(opened);
  };

  begin();
  return {
    renew: (reason) => losePresent(reason),
    async close() {
      generation += 1;
      clearTimeout(timer);
      end(attempt);
      attempt = null;
      await Promise.all(ending);
    },
  };
}
