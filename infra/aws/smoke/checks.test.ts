import { CheckFailedError, Checks, until } from './checks.ts';

let lines: string[];
let checks: Checks;
let interrupted: AbortController;

beforeEach(() => {
  lines = [];
  interrupted = new AbortController();
  checks = new Checks((line) => lines.push(line.trimEnd()), interrupted.signal);
});

const options = { withinMs: 5_000, hint: 'the log' };
const line = (kind: string, name: string, rest: string) => `${kind.padEnd(4)}  ${name.padEnd(52)}  ${rest}`;

describe('Checks', () => {
  test('print one line each with its time, and end with 0 when none failed', async () => {
    expect(await checks.run('answers', options, async () => 'yes')).toBe('yes');
    await checks.run('took long', { ...options, sinceMs: performance.now() - 61_000 }, async () => undefined);
    checks.skip('left out', 'not asked for');
    expect(checks.sum()).toBe(0);
    expect(lines).toEqual([
      line('ok', 'answers', '0.0 s'),
      line('ok', 'took long', '61.0 s'),
      line('skip', 'left out', 'not asked for'),
      '\n2 ok, 0 failed, 1 skipped',
    ]);
  });

  test('that fail say why and what to look at, and make it end with 1', async () => {
    const failing = checks.run('answers', options, async () => {
      throw new TypeError('No.');
    });
    await expect(failing).rejects.toThrow(CheckFailedError);
    expect([checks.sum(), lines]).toEqual([
      1,
      [line('FAIL', 'answers', 'No. (TypeError)'), '      look at: the log', '\n0 ok, 1 failed, 0 skipped'],
    ]);
  });

  test('that come to no end say at their deadline what was seen last', async () => {
    let asked = 0;
    const waiting = checks.run('is so', { withinMs: 50, hint: 'the log' }, (attempt) =>
      until(
        attempt,
        async () => {
          asked += 1;
          attempt.note(`no, ${asked}`);
          return false;
        },
        (isSo) => isSo,
        20,
      ),
    );
    await expect(waiting).rejects.toThrow(CheckFailedError);
    expect(lines[0]).toBe(line('FAIL', 'is so', `not within 0.05 s; last seen: no, ${asked}`));
  });

  test('of which none was made are no success', () => {
    checks.skip('left out', 'not asked for');
    expect(checks.sum()).toBe(1);
  });

  test('are not begun any more after an interruption', async () => {
    interrupted.abort(new Error('Interrupted.'));
    await expect(checks.run('answers', options, async () => 'yes')).rejects.toThrow('Interrupted.');
    expect([lines, checks.isInterrupted]).toEqual([[], true]);
  });
});
