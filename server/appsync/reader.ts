import { createBackoff } from './backoff.ts';

/** How often the record is read when nothing tells of a change, in milliseconds. */
export const READ_INTERVAL_MS = 30_000;

export interface ReaderOptions {
  /** Reads the record and deals with it. */
  read(): Promise<void>;
  /** A try failed, and another follows. */
  onFailed(error: unknown): void;
  random?: (() => number) | undefined;
}

/** Reads at every hint, one at a time however many there are, every 30 s without one, and after a failure sooner. */
export class Reader {
  readonly #options: ReaderOptions;
  readonly #backoff;
  #isReading = false;
  /** Something changed after the present read began. */
  #isHinted = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
    this.#backoff = createBackoff(options.random);
  }

  hint(): void {
    this.#isHinted = true;
    if (!this.#isReading && !this.#isClosed) void this.#run();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  async #run(): Promise<void> {
    clearTimeout(this.#timer);
    this.#isReading = true;
    let delayMs = READ_INTERVAL_MS;
    while (this.#isHinted && !this.#isClosed) {
      this.#isHinted = false;
      try {
        await this.#options.read();
        this.#backoff.reset();
      } catch (error) {
        if (this.#isClosed) break;
        this.#options.onFailed(error);
        delayMs = this.#backoff.next();
        break;
      }
    }
    this.#isReading = false;
    if (!this.#isClosed) this.#timer = setTimeout(() => this.hint(), delayMs);
  }
}
