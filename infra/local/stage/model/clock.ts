/** Time as the stage sees it, so that tests can move it by hand. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `task` once, `delayMs` from now, unless the returned function is called first. */
  after(delayMs: number, task: () => void): () => void;
}

/**
 * The real time. After `stop` no task runs any more, neither one that is waiting nor one that a closing socket still
 * asks for; so none keeps the process alive.
 */
export function createSystemClock(): Clock & { stop(): void } {
  const timers = new Set<NodeJS.Timeout>();
  let isStopped = false;
  return {
    now: () => Date.now(),
    after(delayMs, task) {
      if (isStopped) return () => undefined;
      const timer = setTimeout(() => {
        timers.delete(timer);
        task();
      }, delayMs);
      timers.add(timer);
      return () => {
        timers.delete(timer);
        clearTimeout(timer);
      };
    },
    stop() {
      isStopped = true;
      for (const timer of timers) clearTimeout(timer);
      timers.clear();
    },
  };
}
