/** An error of a field as AppSync puts it into the response, at the top level of the error. */
export class AppSyncError extends Error {
  override readonly name = 'AppSyncError';
  readonly errorType: string | null;
  readonly data: unknown;
  readonly errorInfo: unknown;

  constructor(fields: { message: string; errorType: string | null; data?: unknown; errorInfo?: unknown }) {
    super(fields.message);
    this.errorType = fields.errorType;
    this.data = fields.data ?? null;
    this.errorInfo = fields.errorInfo ?? null;
  }
}

/** Why a whole request is refused before any field of it is looked at. */
export class RequestError extends Error {
  override readonly name = 'RequestError';
  readonly statusCode: number;
  readonly errorType: string;

  constructor(statusCode: number, errorType: string, message: string) {
    super(message);
    this.statusCode = statusCode;
    this.errorType = errorType;
  }
}
