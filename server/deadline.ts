/** Something took longer than it may. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';

  constructor(timeoutMs: number) {
    super(`There was no answer within ${timeoutMs} ms.`);
  }
}

/**
 * Runs with a signal that aborts at the deadline or with the caller's own; rejects then, and does not wait for who does
 * not heed it.
 *
 * @throws {DeadlineError} at the deadline; else the reason of the caller's signal, or what `run` throws.
 */
export async function within<T>(
  timeoutMs: number,
  signal: AbortSignal,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted();
  const ended = new AbortController();
  const timer = setTimeout(() => ended.abort(new DeadlineError(timeoutMs)), timeoutMs);
  const passOn = () => ended.abort(signal.reason);
  signal.addEventListener('abort', passOn, { once: true });
  try {
    return await new Promise<T>((resolve, reject) => {
      ended.signal.addEventListener('abort', () => reject(ended.signal.reason), { once: true });
      run(ended.signal).then(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', passOn);
  }
}
