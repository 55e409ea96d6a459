import { parseFault } from './control-server.ts';

const FAULT = { participantId: 'vp1', step: 'join', action: 'drop' };

describe('a request for a fault', () => {
  test('strikes once where nothing else is said', () => {
    expect(parseFault(JSON.stringify(FAULT))).toEqual({ ...FAULT, count: 1 });
  });

  test('takes everything that its action and step allow', () => {
    const fault = {
      ...FAULT,
      step: 'offer',
      action: 'refuse',
      status: 503,
      code: 'BUSY',
      count: 2,
      direction: 'publish',
    };
    expect(parseFault(JSON.stringify(fault))).toEqual(fault);
  });

  test.each([
    ['participantId', { participantId: undefined }, /^participantId: /],
    ['step', { step: 'leave' }, /^step: .*"join" \| "offer" \| "media" \| "events"/],
    ['action', { action: 'explode' }, /^action: /],
    [
      'action of its step',
      { step: 'media', action: 'refuse' },
      /^action: Expected one of delay, drop, cut for the step media/,
    ],
    ['missing delay', { action: 'delay' }, /^delayMs: Expected it with the action delay/],
    ['delay of another action', { delayMs: 5 }, /^delayMs: Expected it with the action delay/],
    ['too long a delay', { action: 'delay', delayMs: 600_001 }, /^delayMs: /],
    ['status of another action', { status: 500 }, /^status: Expected it only with the action refuse/],
    ['status', { action: 'refuse', status: 200 }, /^status: /],
    ['code of another action', { code: 'X' }, /^code: Expected it only with the action refuse/],
    ['count', { count: 0 }, /^count: /],
    [
      'direction of another step',
      { direction: 'publish' },
      /^direction: Expected it only with the steps offer and media/,
    ],
    ['a field it does not know', { delay: 5 }, /^delay: /],
  ])('is refused for its %s, by name', (_what, wrong, message) => {
    expect(() => parseFault(JSON.stringify({ ...FAULT, ...wrong }))).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST', status: 400, message: expect.stringMatching(message) }),
    );
  });

  test('is refused when it is not JSON', () => {
    expect(() => parseFault('drop it')).toThrow(expect.objectContaining({ message: 'The body is not JSON.' }));
  });
});
