/** Bounds of the wait between two tries, in milliseconds: many clients of one API must not return all at once. */
export const BACKOFF_MS = { least: 250, most: 30_000 } as const;

/** Waits that grow with each try that fails. */
export interface Backoff {
  /** Milliseconds until the next try: random between the least and a ceiling, which doubles each time from twice the least. */
  next(): number;
  /** After a success. */
  reset(): void;
}

export function createBackoff(random: () => number = Math.random): Backoff {
  const { least, most } = BACKOFF_MS;
  let ceilingMs = least * 2;
  return {
    next() {
      const delayMs = least + random() * (ceilingMs - least);
      ceilingMs = Math.min(ceilingMs * 2, most);
      return delayMs;
    },
    reset() {
      ceilingMs = least * 2;
    },
  };
}
