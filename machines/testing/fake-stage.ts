import type { Failure } from '../failures.ts';
import type { REMOVALS } from '../protocol.ts';
import type { StageEvent } from '../session.ts';
import type { SteppedClock } from './stepped-clock.ts';

interface Presence {
  epoch: number;
  tell: (event: StageEvent) => void;
}

/** A stage in memory. */
export class FakeStage {
  readonly #clock: SteppedClock;
  readonly #present = new Map<string, Presence>();
  #joins = 0;
  /** Unreachable: attempts to join get no answer. */
  isReachable = true;
  takesMedia = true;
  /** Refuses every attempt to join. */
  refusal: Failure | null = null;
  joinMs = 20;
  leaveMs = 5;

  constructor(clock: SteppedClock) {
    this.#clock = clock;
  }

  /** The epochs of the participants that are on the stage. */
  epochs(): number[] {
    return [...this.#present.values()].map(({ epoch }) => epoch);
  }

  /** IVS takes whoever is there off the stage. */
  remove(reason: (typeof REMOVALS)[number]): void {
    this.#endAll({ type: 'stage.removed', reason });
  }

  lose(): void {
    this.#endAll({ type: 'stage.lost', reason: 'NETWORK' });
  }

  stopMedia(): void {
    for (const { tell } of this.#present.values()) tell({ type: 'media.stopped', reason: 'NO_BYTES' });
  }

  /** What the page's `stage` actor does on this stage. */
  connect(epoch: number, stageArn: string | null, tell: (event: StageEvent) => void) {
    this.#joins += 1;
    const participantId = `participant ${this.#joins}`;
    const timers = new Set<number>();
    const later = (ms: number, fn: () => void) => timers.add(this.#clock.setTimeout(fn, ms));

    later(this.joinMs, () => {
      if (this.refusal !== null) return tell({ type: 'stage.failed', failure: this.refusal });
      if (!this.isReachable) return;
      this.#present.set(participantId, { epoch, tell });
      tell({ type: 'stage.joined', participantId, stageArn: stageArn ?? 'unknown' });
    });
    return {
      publish: () => later(30, () => this.takesMedia && tell({ type: 'media.flowing' })),
      leave: () =>
        later(this.leaveMs, () => {
          this.#present.delete(participantId);
          tell({ type: 'stage.left' });
        }),
      close: () => {
        for (const timer of timers) this.#clock.clearTimeout(timer);
        this.#present.delete(participantId);
      },
    };
  }

  /** What the server's `enforceLeave` does: it gives the page 1 s, then has the participant disconnected. */
  enforceLeave(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      let timer = this.#clock.setTimeout(() => {
        this.remove('PARTICIPANT_DISCONNECTED');
        timer = this.#clock.setTimeout(resolve, 50);
      }, 1_000);
      signal.addEventListener('abort', () => this.#clock.clearTimeout(timer));
    });
  }

  #endAll(event: StageEvent): void {
    const present = [...this.#present.values()];
    this.#present.clear();
    for (const { tell } of present) tell(event);
  }
}
