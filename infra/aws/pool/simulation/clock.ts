/** Time that passes from event to event, in seconds. */
export class Clock {
  nowS = 0;
  readonly #events: { atS: number; order: number; run: () => void }[] = [];
  #order = 0;

  /** Runs `run` after so many seconds; what falls on the same moment runs in the order in which it was asked for. */
  after(delayS: number, run: () => void): void {
    const event = { atS: this.nowS + delayS, order: this.#order++, run };
    let at = this.#events.length;
    while (at > 0 && isLater(event, this.#events[at - 1])) at -= 1;
    this.#events.splice(at, 0, event);
  }

  /** Lets time pass until `untilS`. */
  run(untilS: number): void {
    for (let next = this.#events.at(-1); next && next.atS <= untilS; next = this.#events.at(-1)) {
      this.#events.pop();
      this.nowS = next.atS;
      next.run();
    }
    this.nowS = untilS;
  }
}

/** The next event stands last. */
function isLater(event: { atS: number; order: number }, than: { atS: number; order: number } | undefined): boolean {
  return than !== undefined && (event.atS > than.atS || (event.atS === than.atS && event.order > than.order));
}

/** Numbers that look random and are the same in every run (Marsaglia's xorshift of 32 bits). */
export function createRandom(seed: number) {
  let state = seed;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  return {
    next,
    between: (least: number, most: number) => least + next() * (most - least),
    /** The time until something that comes once in `meanS` on average. */
    exponential: (meanS: number) => -Math.log(1 - next()) * meanS,
    pick: <T>(of: readonly T[]): T | undefined => of[Math.floor(next() * of.length)],
  };
}

export type Random = ReturnType<typeof createRandom>;
