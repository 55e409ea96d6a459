import type { StatusReport } from '../participant-link.ts';
import type { VpStatus } from '../status.ts';
import { legalSteps } from '../status.ts';
import type { SteppedClock } from './stepped-clock.ts';

const LATENCY_MS = 5;

/** The record of the control plane: what was asked, and what the server has proven. */
export class FakeRecord {
  status: VpStatus | 'NONE' = 'NONE';
  epoch = 0;
  /** Every status the record had since it was made, with its epoch. */
  readonly history: string[] = [];
  readonly #clock: SteppedClock;
  #owner = 0;
  readonly #onViolation: (text: string) => void;
  /** Called whenever the record changed, a moment later: the server is to compare what is asked with what is so. */
  onChange: () => void = () => {};
  /** Called with every status that the record comes to have, at that moment. */
  onWrite: (status: VpStatus) => void = () => {};
  /** Called when a report was taken. */
  onTaken: (report: StatusReport) => void = () => {};

  constructor(clock: SteppedClock, onViolation: (text: string) => void) {
    this.#clock = clock;
    this.#onViolation = onViolation;
  }

  get isAsked(): boolean {
    return this.status === 'INVITED' || this.status === 'CONNECTED' || this.status === 'PUBLISHED';
  }

  /** @returns whether there was a place. */
  invite(): boolean {
    if (this.status !== 'AVAILABLE') return false;
    this.epoch += 1;
    this.#write('INVITED');
    return true;
  }

  kick(): void {
    if (this.isAsked) this.#write('KICKED');
  }

  /** A new process of the server registers; what the one before still reports is dropped. */
  register(epoch: number): void {
    this.#owner += 1;
    this.epoch = epoch;
    this.status = 'NONE';
  }

  /** Takes a report a moment later; those of an epoch that is over, or overtaken by a kick, change nothing. */
  report(report: StatusReport): void {
    const owner = this.#owner;
    this.#clock.setTimeout(() => {
      if (owner !== this.#owner || report.epoch < this.epoch) return;
      const steps = legalSteps(this.status, report.status);
      if (report.epoch > this.epoch || (steps === null && this.status !== 'KICKED')) {
        this.#onViolation(`${report.status} of epoch ${report.epoch} came after ${this.status} of ${this.epoch}.`);
        return;
      }
      for (const status of steps ?? []) this.#write(status);
      this.onTaken(report);
    }, LATENCY_MS);
  }

  #write(status: VpStatus): void {
    this.status = status;
    this.history.push(`${status} ${this.epoch}`);
    this.onWrite(status);
    this.#clock.setTimeout(() => this.onChange(), LATENCY_MS);
  }
}
