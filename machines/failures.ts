/**
 * Whose fault a failure is: of who invited (`caller`), of IVS (`stage`), of what lies between (`network`), or of the
 * virtual participant itself (`participant`).
 */
export type FailureOrigin = 'caller' | 'stage' | 'network' | 'participant';

/** Why an invite ended in ERRORED, or was cut off by STOPPED. */
export interface Failure {
  code: FailureCode;
  origin: FailureOrigin;
  /** Whether a new invite with the same input can succeed. */
  retryable: boolean;
  /** One sentence for a person: what happened and what helps. Never holds a token. */
  message: string;
}

export type FailureCode = keyof typeof FAILURES;

/** Every failure code with whose fault it is and whether the same invite can succeed when it is sent again. */
export const FAILURES = {
  TOKEN_INVALID: { origin: 'caller', retryable: false },
  TOKEN_EXPIRED: { origin: 'caller', retryable: false },
  TOKEN_NOT_ALLOWED: { origin: 'caller', retryable: false },
  TOKEN_REUSED: { origin: 'caller', retryable: true },
  TOKEN_EXCHANGE_FAILED: { origin: 'stage', retryable: true },
  STAGE_AT_CAPACITY: { origin: 'stage', retryable: true },
  CODEC_MISMATCH: { origin: 'participant', retryable: false },
  JOIN_FAILED: { origin: 'network', retryable: true },
  PUBLISH_FAILED: { origin: 'network', retryable: true },
  STAGE_NOT_FOUND: { origin: 'caller', retryable: false },
  INVITE_INVALID: { origin: 'caller', retryable: false },
  ASSET_NOT_FOUND: { origin: 'caller', retryable: false },
  ASSET_NOT_ALLOWED: { origin: 'caller', retryable: false },
  ASSET_TOO_LARGE: { origin: 'caller', retryable: false },
  ASSET_UNPLAYABLE: { origin: 'caller', retryable: false },
  ASSET_TIMEOUT: { origin: 'network', retryable: true },
  SOURCE_UNSUPPORTED: { origin: 'participant', retryable: false },
  AWS_NOT_ALLOWED: { origin: 'participant', retryable: false },
  PREPARE_FAILED: { origin: 'network', retryable: true },
  DRAINED: { origin: 'participant', retryable: true },
  PAGE_LOST: { origin: 'participant', retryable: true },
  INTERNAL: { origin: 'participant', retryable: true },
} as const satisfies Record<string, { origin: FailureOrigin; retryable: boolean }>;

/** Builds a {@link Failure} from its code and a sentence that says what happened. */
export function failure(code: FailureCode, message: string): Failure {
  return { code, ...FAILURES[code], message };
}

/** Whether `code` is one of {@link FAILURES}. */
export function isFailureCode(code: string): code is FailureCode {
  return Object.hasOwn(FAILURES, code);
}

/** An error that carries what to tell about it; the participant's `prepare` actor rejects with it. */
export class FailureError extends Error {
  override readonly name = 'FailureError';
  readonly failure: Failure;

  constructor(reason: Failure, options?: ErrorOptions) {
    super(reason.message, options);
    this.failure = reason;
  }
}
