/** An error as S3 tells it ("Error responses" of the S3 API reference): its code decides the status. */
export class S3Error extends Error {
  override readonly name = 'S3Error';
  readonly code: S3ErrorCode;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: S3ErrorCode, headers: Readonly<Record<string, string>> = {}) {
    const [status, message] = ERRORS[code];
    super(message);
    this.code = code;
    this.status = status;
    this.headers = headers;
  }

  /** The body of the answer. */
  toXml(): string {
    return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${this.code}</Code><Message>${this.message}</Message></Error>`;
  }
}

const ERRORS = {
  PermanentRedirect: [301, 'The bucket is in another region; address it there.'],
  EntityTooLarge: [400, 'The upload is larger than the most that is allowed.'],
  XAmzContentSHA256Mismatch: [400, 'The body is not the one that was signed.'],
  MissingSecurityHeader: [400, 'A required header is missing.'],
  AccessDenied: [403, 'Access Denied'],
  InvalidAccessKeyId: [403, 'The AWS access key ID that you provided does not exist in our records.'],
  InvalidObjectState: [403, 'The object is archived; it must be restored first.'],
  RequestTimeTooSkewed: [403, 'The time of the request and that of the server differ too much.'],
  SignatureDoesNotMatch: [403, 'The request signature that the server calculated does not match yours.'],
  NoSuchBucket: [404, 'The specified bucket does not exist'],
  NoSuchKey: [404, 'The specified key does not exist.'],
  MethodNotAllowed: [405, 'The specified method is not allowed against this resource.'],
  PreconditionFailed: [412, 'At least one of the preconditions that you specified did not hold.'],
  InvalidRange: [416, 'The requested range cannot be satisfied.'],
  InternalError: [500, 'An internal error occurred. Try again.'],
  SlowDown: [503, 'Reduce your request rate.'],
} as const satisfies Record<string, readonly [status: number, message: string]>;

export type S3ErrorCode = keyof typeof ERRORS;
