/** What went wrong with a request or a subscription, by what its receiver can do about it. */
export type AppSyncErrorKind =
  /** The API understood and said no, by one of {@link REFUSALS}: the same request will be refused again. */
  | 'refused'
  /** Key, signature or permissions; can be mended without this process. */
  | 'unauthorized'
  /** No answer, or none in time. */
  | 'unreachable'
  /** An answer that is none of these: throttled, failed inside, or a schema that is not ours. */
  | 'failed';

/** Error types of the resolvers that a repeat of the same request cannot change; all others are worth another try. */
export const REFUSALS = ['BAD_INPUT', 'NOT_FOUND', 'STALE_OWNER', 'STALE_EPOCH', 'ILLEGAL_TRANSITION'] as const;

/** Why the GraphQL API did not do what it was asked. Its message never holds a key, a token or a signed header. */
export class AppSyncError extends Error {
  override readonly name = 'AppSyncError';
  readonly kind: AppSyncErrorKind;
  /** AppSync's `errorType`, or else `HTTP <status>`, or the system's error code. */
  readonly code: string;
  /** AppSync's `errorInfo`: for a conflict `status`, `epoch` and `version` of the record. */
  readonly info: Readonly<Record<string, unknown>>;

  constructor(kind: AppSyncErrorKind, code: string, message: string, info: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.kind = kind;
    this.code = code;
    this.info = info;
  }
}

const LONGEST_MESSAGE = 300;

/** The error for an `errorType` of AppSync. */
export function errorOfType(errorType: string, message: string, info: Readonly<Record<string, unknown>> = {}) {
  if (/^(Unauthorized|AccessDenied)(Exception)?$/.test(errorType)) return unauthorized(errorType);
  const kind = REFUSALS.some((type) => type === errorType) ? 'refused' : 'failed';
  return new AppSyncError(kind, errorType, `${errorType}: ${message.slice(0, LONGEST_MESSAGE)}`, info);
}

/** What AppSync says of a wrong signature repeats what was signed, session token included: only the code is kept. */
export function unauthorized(code: string): AppSyncError {
  return new AppSyncError('unauthorized', code, `The GraphQL API refused the caller (${code}).`);
}

export function unreachable(code: string, message: string): AppSyncError {
  return new AppSyncError('unreachable', code, message);
}
