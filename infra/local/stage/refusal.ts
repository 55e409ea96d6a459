/** A request of a client of the stage (not of its REST API) that is turned down, as events socket and WHIP tell it. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  /** HTTP status. */
  readonly status: number;
  readonly code: string;

  constructor(code: RefusalCode, message: string, status: number = STATUS[code]) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** A {@link Refusal} that the test control asked for, with the code and status it asked for. */
export class InjectedRefusal extends Refusal {
  override readonly code: string;

  constructor(code = 'INJECTED', status = 500) {
    super('INJECTED', 'Asked for by the test control.', status);
    this.code = code;
  }
}

const STATUS = {
  BAD_REQUEST: 400,
  BAD_OFFER: 400,
  TOKEN_INVALID: 401,
  TOKEN_EXPIRED: 401,
  TOKEN_NOT_ALLOWED: 403,
  NOT_YOURS: 403,
  NOT_FOUND: 404,
  STAGE_NOT_FOUND: 404,
  PUBLISHER_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  STAGE_AT_CAPACITY: 409,
  STAGE_DELETED: 410,
  PARTICIPANT_DISCONNECTED: 410,
  TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  INJECTED: 500,
} as const;

export type RefusalCode = keyof typeof STATUS;
