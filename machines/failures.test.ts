import { FAILURES, FailureError, failure, isFailureCode } from './failures.ts';

describe('failure', () => {
  it('takes origin and retryable from its code and the sentence from the caller', () => {
    expect(failure('TOKEN_EXPIRED', 'The token has expired. Invite with a new one.')).toEqual({
      code: 'TOKEN_EXPIRED',
      origin: 'caller',
      retryable: false,
      message: 'The token has expired. Invite with a new one.',
    });
  });
});

describe('isFailureCode', () => {
  it('knows every code of the table', () => {
    expect(Object.keys(FAILURES).filter((code) => !isFailureCode(code))).toEqual([]);
  });

  it.each(['', 'token_expired', 'OUT_OF_COFFEE', 'toString', '__proto__'])('rejects %p', (code) => {
    expect(isFailureCode(code)).toBe(false);
  });
});

describe('FailureError', () => {
  it('carries its failure, and says the same sentence', () => {
    const expired = failure('TOKEN_EXPIRED', 'The token has expired.');
    const error = new FailureError(expired, { cause: 'a cause' });
    expect([error.failure, error.message, error.cause]).toEqual([expired, 'The token has expired.', 'a cause']);
  });
});
