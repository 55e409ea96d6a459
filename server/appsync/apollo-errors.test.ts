import { errorOfSubscription } from './apollo-errors.ts';

/** As the subscription link tells it, through Apollo. */
const error = (message: string) =>
  Object.assign(new Error('An error of unexpected shape occurred.'), {
    cause: { errors: [{ message }] },
  });
const payload = (errorType: string) =>
  `Connection failed: ${JSON.stringify({ errors: [{ errorType, message: 'So it is.' }] })}`;

describe('errorOfSubscription', () => {
  test.each([
    ['Connection closed', null, 'unreachable', 'SUBSCRIPTION_LOST'],
    ['Timeout disconnect', null, 'unreachable', 'SUBSCRIPTION_LOST'],
    ['Connection failed: Connection handshake error', 'connect ECONNREFUSED', 'unreachable', 'SUBSCRIPTION_LOST'],
    ['Connection failed: Connection handshake error', 'Unexpected server response: 403', 'unauthorized', 'HTTP 403'],
    ['Connection failed: UnauthorizedException', null, 'unauthorized', 'UnauthorizedException'],
    [payload('Unauthorized'), null, 'unauthorized', 'Unauthorized'],
    [payload('MaxSubscriptionsReachedError'), null, 'failed', 'MaxSubscriptionsReachedError'],
  ])('takes "%s" and a socket that says %s for %s', (text, problem, kind, code) => {
    const told = errorOfSubscription(error(text), problem);
    expect([told.kind, told.code]).toEqual([kind, code]);
  });

  test('says what link and socket said', () => {
    const told = errorOfSubscription(error('Connection failed: Connection handshake error'), 'connect ECONNREFUSED');
    expect(told.message).toBe(
      'The subscription was lost: Connection failed: Connection handshake error; connect ECONNREFUSED.',
    );
  });

  test('leaves the document and its variables out', () => {
    const told = errorOfSubscription(
      error('Subscription timeout {"query":"subscription","variables":{"id":"vp-1"}}'),
      null,
    );
    expect(told.message).toBe('The subscription was lost: Subscription timeout.');
  });
});
