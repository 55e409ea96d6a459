import { LIMITS } from '../../machines/protocol.ts';

const WINDOW_MS = 1_000;

/** Counts one connection's messages in windows of one second, by {@link LIMITS}. */
export class RateLimit {
  readonly #now: () => number;
  #windowStartMs = Number.NEGATIVE_INFINITY;
  #count = 0;

  /** @param now - a monotonic clock in milliseconds. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** Whether to `take` the next message, to `answer` it with RATE_LIMITED, or to `close` the connection. */
  next(): 'take' | 'answer' | 'close' {
    const nowMs = this.#now();
    if (nowMs - this.#windowStartMs >= WINDOW_MS) {
      this.#windowStartMs = nowMs;
      this.#count = 0;
    }
    this.#count += 1;
    if (this.#count <= LIMITS.maxMessagesPerSecond) return 'take';
    return this.#count <= LIMITS.maxMessagesPerSecond + LIMITS.rateErrorsBeforeClose ? 'answer' : 'close';
  }
}
