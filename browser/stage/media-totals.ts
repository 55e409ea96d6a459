import type { MediaStats } from './stage-port.ts';

/** Frames and bytes of a whole session, added up over its publishes: each publish counts from zero. */
export class MediaTotals {
  #earlier = { frames: 0, bytes: 0 };
  #latest = { frames: 0, bytes: 0 };

  get frames(): number {
    return this.#earlier.frames + this.#latest.frames;
  }

  get bytes(): number {
    return this.#earlier.bytes + this.#latest.bytes;
  }

  /** Takes the figures of a look; fewer bytes than at the last one mean that another publish has begun. */
  take({ framesSent, bytesSent }: MediaStats): void {
    if (bytesSent < this.#latest.bytes) this.#earlier = { frames: this.frames, bytes: this.bytes };
    this.#latest = { frames: framesSent, bytes: bytesSent };
  }
}
