import { within } from './deadline.ts';

const never = () => new Promise<never>(() => {});
const open = new AbortController().signal;

describe('within', () => {
  it('gives what comes in time', async () => {
    expect(await within(1_000, open, async () => 'a')).toBe('a');
    await expect(within(1_000, open, () => Promise.reject(new Error('b')))).rejects.toThrow('b');
  });

  it('rejects at its deadline, and aborts what runs', async () => {
    let reason: unknown;
    const run = (signal: AbortSignal) => {
      signal.addEventListener('abort', () => {
        reason = signal.reason;
      });
      return never();
    };
    await expect(within(5, open, run)).rejects.toMatchObject({
      name: 'DeadlineError',
      message: 'There was no answer within 5 ms.',
    });
    expect(reason).toMatchObject({ name: 'DeadlineError' });
  });

  it('rejects with the reason of the caller, before and while it runs', async () => {
    const controller = new AbortController();
    const running = within(1_000, controller.signal, never);
    const kicked = new Error('kicked');
    controller.abort(kicked);
    await expect(running).rejects.toBe(kicked);
    await expect(within(1_000, controller.signal, never)).rejects.toBe(kicked);
  });
});
