import { Transform } from 'node:stream';
import type { S3ErrorCode } from './errors.ts';

/** What goes wrong with a request for an object that is otherwise good. */
export type Fault =
  /** It is answered with this error. */
  | { kind: 'error'; code: S3ErrorCode }
  /** The answer begins so much later. */
  | { kind: 'late'; delayMs: number }
  /** The connection breaks off after so many bytes of the body. */
  | { kind: 'cut'; afterBytes: number }
  /** Nothing more comes after so many bytes of the body, and the connection stays. */
  | { kind: 'stall'; afterBytes: number }
  /** The body comes with its first byte changed. */
  | { kind: 'corrupt' };

/** Faults that wait for the requests to come: each strikes one, in the order in which they were armed. */
export class Faults {
  readonly #armed: Fault[] = [];

  arm(fault: Fault, times = 1): void {
    for (let count = 0; count < times; count += 1) this.#armed.push(fault);
  }

  take(): Fault | null {
    return this.#armed.shift() ?? null;
  }

  clear(): void {
    this.#armed.length = 0;
  }
}

/** Passes a body on as the fault has it; `cut` is to break the connection off. */
export function spoil(fault: Fault | null, cut: () => void): Transform {
  let sentBytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const startByte = sentBytes;
      sentBytes += chunk.length;
      if (fault?.kind === 'corrupt' && startByte === 0) {
        const changed = Buffer.from(chunk);
        changed[0] = (changed[0] ?? 0) ^ 0xff;
        return done(null, changed);
      }
      const isLimited = fault?.kind === 'cut' || fault?.kind === 'stall';
      if (!isLimited || sentBytes <= fault.afterBytes) return done(null, chunk);
      if (fault.afterBytes > startByte) this.push(chunk.subarray(0, fault.afterBytes - startByte));
      // Without `done` nothing follows, ever. What was pushed is to be on its way before the connection goes.
      if (fault.kind === 'cut') setImmediate(cut);
    },
  });
}
