import { SimulatedClock } from 'xstate';

/** A simulated clock that goes from one timer to the next, so that each fires at its own time and not in a heap. */
export class SteppedClock extends SimulatedClock {
  readonly #dueAt = new Map<number, number>();

  override setTimeout(fn: () => void, timeoutMs: number): number {
    const id = super.setTimeout(() => {
      this.#dueAt.delete(id);
      fn();
    }, timeoutMs);
    this.#dueAt.set(id, this.now() + timeoutMs);
    return id;
  }

  override clearTimeout(id: number): void {
    this.#dueAt.delete(id);
    super.clearTimeout(id);
  }

  /** Calls `fn` every `intervalMs` until the function that it returns is called. */
  setInterval(fn: () => void, intervalMs: number): () => void {
    let id = 0;
    const next = () => {
      id = this.setTimeout(() => {
        next();
        fn();
      }, intervalMs);
    };
    next();
    return () => this.clearTimeout(id);
  }

  /**
   * Lets time pass until `condition` holds, looking after each timer, or until `limitMs` have passed.
   *
   * @returns whether the condition came to hold.
   */
  async runUntil(condition: () => boolean, limitMs: number): Promise<boolean> {
    const end = this.now() + limitMs;
    await settled();
    while (!condition()) {
      const next = Math.min(...this.#dueAt.values());
      if (next > end) {
        this.set(end);
        await settled();
        return condition();
      }
      this.set(next);
      await settled();
    }
    return true;
  }

  /** Lets `ms` pass. */
  async run(ms: number): Promise<void> {
    await this.runUntil(() => false, ms);
  }
}

/** Promise actors tell their end by microtasks, which no clock moves. */
async function settled(): Promise<void> {
  for (let tick = 0; tick < 4; tick += 1) await undefined;
}
