import { type FailureCode, failure } from '../../machines/failures.ts';
import { FailureError } from '../../machines/participant.ts';

/** An operation of IVS that the server calls, as IAM writes it after `ivs:`. */
export type Operation = 'GetStage' | 'CreateParticipantToken' | 'DisconnectParticipant';

type Sentence = (operation: Operation, stageArn: string) => string;
type Row = readonly [FailureCode, Sentence];

const NO_STAGE: Row = [
  'STAGE_NOT_FOUND',
  (_, arn) => `There is no stage ${arn}; was it deleted, or is it of another account?`,
];
const NOT_ALLOWED: Row = [
  'AWS_NOT_ALLOWED',
  (operation, arn) =>
    `AWS does not allow the virtual participant ivs:${operation} on ${arn}; its IAM role needs that permission.`,
];
const NO_CREDENTIALS: Row = [
  'AWS_NOT_ALLOWED',
  () => 'AWS did not accept the credentials of the virtual participant, or it has none.',
];
const TOO_MANY: Row = ['PREPARE_FAILED', () => 'IVS has too many requests of this account now; try again in a while.'];
const UNREACHABLE: Row = ['PREPARE_FAILED', () => 'IVS could not be reached; is there a way to the network?'];

/** What the names of the AWS SDK's errors mean: those of the service's model, and those of all AWS services. */
const BY_NAME: Readonly<Record<string, Row>> = {
  ResourceNotFoundException: NO_STAGE,
  ValidationException: ['INVITE_INVALID', (_, arn) => `IVS refused the invite to ${arn}: an input of it is not valid.`],
  AccessDeniedException: NOT_ALLOWED,
  PendingVerification: ['AWS_NOT_ALLOWED', () => 'AWS is still verifying this account; IVS is not open to it yet.'],
  UnrecognizedClientException: NO_CREDENTIALS,
  InvalidClientTokenId: NO_CREDENTIALS,
  InvalidSignatureException: NO_CREDENTIALS,
  SignatureDoesNotMatch: NO_CREDENTIALS,
  ExpiredTokenException: NO_CREDENTIALS,
  CredentialsProviderError: NO_CREDENTIALS,
  TokenProviderError: NO_CREDENTIALS,
  ThrottlingException: TOO_MANY,
  TooManyRequestsException: TOO_MANY,
  ServiceQuotaExceededException: TOO_MANY,
  TimeoutError: UNREACHABLE,
  DeadlineError: ['PREPARE_FAILED', () => 'IVS did not answer in time; try again.'],
};

/**
 * What to tell of a call that failed, by whose fault it is. The sentence holds none of the error's own words, which are
 * for the log: the error is its `cause`.
 */
export function failureOf(error: unknown, operation: Operation, stageArn: string): FailureError {
  if (error instanceof FailureError) return error;
  const [code, sentence] = rowOf(error);
  return new FailureError(failure(code, sentence(operation, stageArn)), { cause: error });
}

/** Whether IVS says that the stage does not exist. */
export function isStageMissing(error: unknown): boolean {
  return error instanceof Error && error.name === 'ResourceNotFoundException';
}

/** The failure of an invite whose input cannot be put into a token. */
export function badInput(sentence: string): FailureError {
  return new FailureError(failure('INVITE_INVALID', sentence));
}

/** The failure of an invite to what is no stage's ARN. */
export function noStage(stageArn: string): FailureError {
  return new FailureError(failure('INVITE_INVALID', `"${stageArn}" is not the ARN of a stage.`));
}

function rowOf(error: unknown): Row {
  if (!(error instanceof Error)) return failedAs('unknown error');
  const known = Object.hasOwn(BY_NAME, error.name) ? BY_NAME[error.name] : undefined;
  if (known !== undefined) return known;
  return wasNeverAnswered(error) ? UNREACHABLE : failedAs(error.name);
}

function failedAs(name: string): Row {
  return ['PREPARE_FAILED', (operation) => `IVS failed at ${operation} (${name}); try again.`];
}

/** Whether the SDK sent a request, as often as it may, and no answer to it came. */
function wasNeverAnswered(error: Error & { $metadata?: { httpStatusCode?: number } }): boolean {
  return error.$metadata !== undefined && error.$metadata.httpStatusCode === undefined;
}
