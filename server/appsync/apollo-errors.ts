import { CombinedGraphQLErrors, ServerError } from '@apollo/client';
import { AppSyncError, errorOfType, unauthorized, unreachable } from './errors.ts';

/** Any error that Apollo or its HTTP link came up with for a request. */
export function errorOfRequest(error: unknown): AppSyncError {
  if (error instanceof AppSyncError) return error;
  if (CombinedGraphQLErrors.is(error)) {
    // AppSync puts its own fields beside `message`, where GraphQL has `extensions`.
    const first = error.errors[0] as { message?: string; errorType?: string; errorInfo?: object } | undefined;
    return errorOfType(first?.errorType ?? 'GraphQLError', first?.message ?? '', { ...first?.errorInfo });
  }
  if (ServerError.is(error)) return errorOfStatus(error.statusCode, error.bodyText);
  const { name, message, cause } = error as { name?: string; message?: string; cause?: { code?: string } };
  if (name === 'CredentialsProviderError') {
    return new AppSyncError(
      'unauthorized',
      name,
      'There are no AWS credentials. Give the process a role or an API key.',
    );
  }
  const code = cause?.code ?? name ?? 'Error';
  return unreachable(code, `The GraphQL API could not be reached (${cause?.code ?? message ?? code}).`);
}

/**
 * Why a subscription ended. The link knows it as a text alone, in the cause of Apollo's error.
 *
 * @param problem - what the socket itself said, as the link does not tell it
 */
export function errorOfSubscription(error: unknown, problem: string | null): AppSyncError {
  const { cause, message } = error as { cause?: { errors?: { message?: string }[] }; message?: string };
  const text = cause?.errors?.[0]?.message ?? message ?? '';
  const errorType = /"errorType":"([\w:]+)"/.exec(text)?.[1] ?? /^Connection failed: (\w+Exception)$/.exec(text)?.[1];
  if (errorType !== undefined) {
    return errorOfType(errorType, /"message":"([^"]*)"/.exec(text)?.[1] ?? 'The subscription was refused.');
  }
  const status = /Unexpected server response: (\d+)/.exec(problem ?? '')?.[1];
  if (status === '401' || status === '403') return unauthorized(`HTTP ${status}`);
  // The rest of this text is the whole document with its variables.
  const told = text.startsWith('Subscription timeout') ? 'Subscription timeout' : text;
  return unreachable('SUBSCRIPTION_LOST', `The subscription was lost: ${[told, problem].filter(Boolean).join('; ')}.`);
}

function errorOfStatus(status: number, bodyText: string): AppSyncError {
  const errorType = /"(?:errorType|__type)"\s*:\s*"([\w.#:]+)"/.exec(bodyText)?.[1] ?? `HTTP ${status}`;
  if (status === 401 || status === 403) return unauthorized(errorType);
  return new AppSyncError('failed', errorType, `The GraphQL API answered with HTTP ${status} (${errorType}).`);
}
