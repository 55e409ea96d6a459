import type { MediaStats } from './stage-port.ts';

export type MediaVerdict =
  | { type: 'waiting' }
  | { type: 'flowing' }
  | { type: 'stopped'; reason: 'DTLS_CLOSED' | 'STAGE_SILENT' | 'NO_FRAMES' };

/**
 * Milliseconds between looks: until media flows, while it does, and once the stage has gone quiet. To be published again
 * within 3 s of a cut, it must be seen within about 2 s: these looks add at most 0.75 s to the limit of silence.
 */
const LOOK_MS = { waiting: 50, flowing: 500, doubtful: 250 } as const;

/**
 * A stage sends feedback at least every second. The SDK by itself needs 17 s to see that it has stopped, and
 * Chromium's own consent checks 5 s and more.
 */
const SILENCE_LIMIT_MS = 1_500;
/** How far the limit may grow where a stage proves to be quieter than that, so that it is not published again and again. */
const LONGEST_SILENCE_LIMIT_MS = 12_000;
/** How much longer than the longest gap a stage has shown its silence must be to mean something. */
const GAP_FACTOR = 1.5;
/** A publish that lived so long shows how quiet its stage is: the limit goes back to what that asks for. */
const TRUSTED_AFTER_MS = 30_000;
/** Longer than the pause of an asset that begins anew. */
const NO_FRAMES_LIMIT_MS = 3_000;

/**
 * Tells from what the page itself can count whether its media arrives. One for a page, since it learns how quiet the
 * stages are that the page reaches; `restart` for each publish.
 */
export class MediaWatch {
  #silenceLimitMs = SILENCE_LIMIT_MS;
  #longestGapMs = 0;
  #startedAtMs = 0;
  #lookedAtMs = 0;
  #heardAtMs = 0;
  #framesAtMs = 0;
  #last: MediaStats | null = null;
  #flowing = false;

  /** Forgets the last publish; the next `look` is the first of a new one. */
  restart(nowMs: number): void {
    this.#last = null;
    this.#flowing = false;
    this.#startedAtMs = nowMs;
  }

  /** How long to wait before the next `look`. */
  nextLookMs(): number {
    if (!this.#flowing) return LOOK_MS.waiting;
    return this.#heardAtMs === this.#lookedAtMs ? LOOK_MS.flowing : LOOK_MS.doubtful;
  }

  /** Judges the present figures; `null` stands for "there are none": nothing is published yet, or no more. */
  look(stats: MediaStats | null, nowMs: number): MediaVerdict {
    const before = this.#last;
    const lookedBeforeMs = this.#lookedAtMs;
    this.#lookedAtMs = nowMs;
    if (stats !== null) this.#last = stats;
    if (stats?.dtlsState === 'closed' || stats?.dtlsState === 'failed') {
      return { type: 'stopped', reason: 'DTLS_CLOSED' };
    }

    const grew = (figure: 'framesSent' | 'bytesSent' | 'packetsReceived') =>
      (stats?.[figure] ?? 0) > (before?.[figure] ?? 0);
    const moves = grew('framesSent') && grew('bytesSent');
    if (!this.#flowing) {
      if (!moves) return { type: 'waiting' };
      this.#flowing = true;
      this.#heardAtMs = nowMs;
      this.#framesAtMs = nowMs;
      return { type: 'flowing' };
    }

    if (grew('packetsReceived')) {
      // Up to the look before, which heard nothing: the time since may be a page's that stood still.
      this.#longestGapMs = Math.max(this.#longestGapMs, lookedBeforeMs - this.#heardAtMs);
      this.#heardAtMs = nowMs;
    }
    if (moves) this.#framesAtMs = nowMs;
    if (nowMs - this.#startedAtMs >= TRUSTED_AFTER_MS) this.#silenceLimitMs = this.#trustedLimitMs();
    if (nowMs - this.#heardAtMs >= this.#silenceLimitMs) {
      this.#silenceLimitMs = Math.min(this.#silenceLimitMs * 2, LONGEST_SILENCE_LIMIT_MS);
      return { type: 'stopped', reason: 'STAGE_SILENT' };
    }
    if (nowMs - this.#framesAtMs >= NO_FRAMES_LIMIT_MS) return { type: 'stopped', reason: 'NO_FRAMES' };
    return { type: 'flowing' };
  }

  #trustedLimitMs(): number {
    const limitMs = Math.max(SILENCE_LIMIT_MS, this.#longestGapMs * GAP_FACTOR);
    return Math.min(limitMs, LONGEST_SILENCE_LIMIT_MS);
  }
}
