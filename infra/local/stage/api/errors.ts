/** The service's error types that the local stage answers with, and their HTTP status (the service's model, 2020-07-14). */
const STATUS = {
  ValidationException: 400,
  ServiceQuotaExceededException: 402,
  AccessDeniedException: 403,
  ResourceNotFoundException: 404,
  ConflictException: 409,
  InternalServerException: 500,
  /** Not of the service: an operation that IVS has and the local stage has not. 501, because the AWS SDK retries 500. */
  NotImplementedException: 501,
} as const;

export type ApiErrorType = keyof typeof STATUS;

/** An answer of the REST API that is not a success. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly type: ApiErrorType;
  readonly status: number;

  constructor(type: ApiErrorType, message: string) {
    super(message);
    this.type = type;
    this.status = STATUS[type];
  }
}
