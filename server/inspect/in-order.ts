import type { Inspection } from '../../machines/inspection.ts';

/** Far longer than a message of the page takes on loopback, and too short to be noticed by who looks. */
export const HOLD_MS = 50;

/** Holds each inspection for {@link HOLD_MS} and releases all in the order in which they happened. */
export class InOrder {
  readonly #release: (inspection: Inspection) => void;
  readonly #held: { inspection: Inspection; atMs: number }[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(release: (inspection: Inspection) => void) {
    this.#release = release;
  }

  take(inspection: Inspection): void {
    const nowMs = Date.now();
    const atMs = Math.min(Number(inspection.createdAt) || nowMs, nowMs);
    const before = this.#held.findLastIndex((held) => held.atMs <= atMs);
    this.#held.splice(before + 1, 0, { inspection, atMs });
    this.#timer ??= setTimeout(() => this.#releaseUntil(Date.now() - HOLD_MS), HOLD_MS);
  }

  /** Releases all that is held at once. */
  flush(): void {
    this.#releaseUntil(Number.POSITIVE_INFINITY);
  }

  #releaseUntil(untilMs: number): void {
    clearTimeout(this.#timer);
    const firstToStay = this.#held.findIndex(({ atMs }) => atMs > untilMs);
    const due = this.#held.splice(0, firstToStay === -1 ? this.#held.length : firstToStay);
    const next = this.#held[0];
    this.#timer = next && setTimeout(() => this.#releaseUntil(Date.now() - HOLD_MS), next.atMs - untilMs);
    for (const { inspection } of due) this.#release(inspection);
  }
}
