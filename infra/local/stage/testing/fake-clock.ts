import type { Clock } from '../model/clock.ts';

/** A clock that stands still until it is moved. */
export class FakeClock implements Clock {
  #nowMs = Date.UTC(2026, 0, 1);
  #tasks: { dueMs: number; task: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  after(delayMs: number, task: () => void): () => void {
    const one = { dueMs: this.#nowMs + delayMs, task };
    this.#tasks.push(one);
    return () => {
      this.#tasks = this.#tasks.filter((other) => other !== one);
    };
  }

  /** Moves time on, and runs in their order the tasks that fall due. */
  advance(ms: number): void {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      const [next] = this.#tasks.filter(({ dueMs }) => dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs);
      if (next === undefined) break;
      this.#tasks = this.#tasks.filter((other) => other !== next);
      this.#nowMs = next.dueMs;
      next.task();
    }
    this.#nowMs = untilMs;
  }
}
