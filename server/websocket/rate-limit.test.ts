import { LIMITS } from '../../machines/protocol.ts';
import { RateLimit } from './rate-limit.ts';

const { maxMessagesPerSecond, rateErrorsBeforeClose } = LIMITS;

function stand() {
  const clock = { nowMs: 0 };
  const rate = new RateLimit(() => clock.nowMs);
  const next = (count: number) => Array.from({ length: count }, () => rate.next());
  return { clock, next };
}
const times = (count: number, verdict: string) => Array.from({ length: count }, () => verdict);

describe('the rate limit of a connection', () => {
  it('takes a second’s messages, answers some above them, then closes', () => {
    const { next } = stand();
    expect(next(maxMessagesPerSecond + rateErrorsBeforeClose + 2)).toEqual([
      ...times(maxMessagesPerSecond, 'take'),
      ...times(rateErrorsBeforeClose, 'answer'),
      'close',
      'close',
    ]);
  });

  it('begins anew a second after the first message of the last one', () => {
    const { clock, next } = stand();
    clock.nowMs = 5_000;
    next(maxMessagesPerSecond + rateErrorsBeforeClose);
    clock.nowMs = 5_999;
    expect(next(1)).toEqual(['close']);
    clock.nowMs = 6_000;
    expect(next(1)).toEqual(['take']);
  });
});
