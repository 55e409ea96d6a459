import type { Failure, FailureCode } from '../../machines/failures.ts';
import { failure } from '../../machines/failures.ts';

/** Why a source has no picture, or no more of it. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly failure: Failure;

  constructor(code: FailureCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.failure = failure(code, message);
  }
}
