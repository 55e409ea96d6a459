import { DeadlineError, within } from '../../../server/deadline.ts';

export interface CheckOptions {
  readonly withinMs: number;
  /** What to look at when it fails. */
  readonly hint: string;
  /** Since when the time that is told counts (`performance.now()`). Default: now. */
  readonly sinceMs?: number;
}

/** Within a check: its end, and what was last seen, which is told when the deadline passes. */
export interface Attempt {
  readonly signal: AbortSignal;
  note(seen: string): void;
}

/** A check that failed; it was printed, and what builds on it cannot go on. */
export class CheckFailedError extends Error {
  override readonly name = 'CheckFailedError';
}

const NAME_WIDTH = 52;

/** Prints one line for each check with the time it took, and counts. */
export class Checks {
  readonly #print: (line: string) => void;
  readonly #signal: AbortSignal;
  readonly #counts = { ok: 0, failed: 0, skipped: 0 };

  constructor(print: (line: string) => void, signal: AbortSignal) {
    this.#print = print;
    this.#signal = signal;
  }

  /**
   * @returns what `run` gives
   * @throws {CheckFailedError} if `run` throws or its deadline passes; that was printed then, with the hint. The reason
   *   of the signal, if that was aborted before.
   */
  async run<T>(name: string, options: CheckOptions, run: (attempt: Attempt) => Promise<T>): Promise<T> {
    this.#signal.throwIfAborted();
    const { withinMs, hint, sinceMs = performance.now() } = options;
    let seen = '';
    const note = (text: string) => {
      seen = text;
    };
    try {
      const result = await within(withinMs, this.#signal, (signal) => run({ signal, note }));
      this.#counts.ok += 1;
      this.#line('ok', name, `${((performance.now() - sinceMs) / 1_000).toFixed(1)} s`);
      return result;
    } catch (error) {
      this.#counts.failed += 1;
      const late = `not within ${withinMs / 1_000} s${seen === '' ? '' : `; last seen: ${seen}`}`;
      this.#line('FAIL', name, error instanceof DeadlineError ? late : messageOf(error));
      this.#print(`      look at: ${hint}`);
      throw new CheckFailedError(name, { cause: error });
    }
  }

  get isInterrupted(): boolean {
    return this.#signal.aborted;
  }

  skip(name: string, why: string): void {
    this.#counts.skipped += 1;
    this.#line('skip', name, why);
  }

  /** Prints the sum. @returns the exit code */
  sum(): number {
    const { ok, failed, skipped } = this.#counts;
    this.#print(`\n${ok} ok, ${failed} failed, ${skipped} skipped`);
    return failed > 0 || ok === 0 ? 1 : 0;
  }

  #line(kind: string, name: string, rest: string): void {
    this.#print(`${kind.padEnd(4)}  ${name.padEnd(NAME_WIDTH)}  ${rest}`);
  }
}

/** Asks again and again until the answer is so. */
export async function until<T>(
  { signal }: Attempt,
  read: () => Promise<T>,
  isSo: (value: T) => boolean,
  everyMs = 1_000,
): Promise<T> {
  for (;;) {
    const value = await read();
    if (isSo(value)) return value;
    await new Promise((resolve) => {
      setTimeout(resolve, everyMs);
    });
    signal.throwIfAborted();
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.message} (${error.name})` : String(error);
}
