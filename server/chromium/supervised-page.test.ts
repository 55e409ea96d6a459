import { jest } from '@jest/globals';
import { ChromiumError } from './errors.ts';
import { openSupervisedPage, type SupervisedPage } from './supervised-page.ts';
import { FakeChromium } from './testing/fake-chromium.ts';

const URL = 'http://127.0.0.1:3000/';
const pass = (timeMs: number) => jest.advanceTimersByTimeAsync(timeMs);
const noChromium = new ChromiumError('CHROMIUM_START_FAILED', 'It could not be started.');

/** What the listener was told, in order. */
let told: string[];
/** Every Chromium that was started, oldest first. */
let started: FakeChromium[];
/** How the next starts go. */
let start: (chromium: FakeChromium) => Promise<void>;
let signals: AbortSignal[];

beforeEach(() => {
  jest.useFakeTimers();
  told = [];
  started = [];
  signals = [];
  start = async () => {};
});
afterEach(() => void jest.useRealTimers());

async function open(): Promise<SupervisedPage> {
  const page = await openSupervisedPage({
    url: URL,
    handover: { secret: 's' },
    listener: {
      onLoading: () => told.push('loading'),
      onLost: (reason) => told.push(`lost: ${reason}`),
      onLog: (level, text) => told.push(`${level}: ${text}`),
    },
    async launch(signal) {
      const chromium = new FakeChromium();
      signals.push(signal);
      started.push(chromium);
      await start(chromium);
      return chromium;
    },
  });
  await pass(0);
  return page;
}

function chromium(index: number): FakeChromium {
  const found = started[index];
  if (found === undefined) throw new Error(`Only ${started.length} Chromiums were started.`);
  return found;
}

describe('openSupervisedPage', () => {
  it('loads the page with what is handed over, and says that it is alive once it is loaded', async () => {
    const page = await open();
    const { loads, scripts } = chromium(0).page;
    expect([told, loads, scripts, page.isAlive()]).toEqual([
      ['loading'],
      [URL],
      ['window.__vp = {"secret":"s"}'],
      true,
    ]);
    await page.close();
  });

  it('fails where the first Chromium cannot be started, and tries nothing again', async () => {
    start = async () => {
      throw noChromium;
    };
    await expect(open()).rejects.toBe(noChromium);
    expect([told, started.length, jest.getTimerCount()]).toEqual([[], 1, 0]);
  });

  it('passes on the console and the errors of the page', async () => {
    const page = await open();
    const { page: source } = chromium(0);
    source.emit('console', { type: () => 'error', text: () => 'one' });
    source.emit('console', { type: () => 'warn', text: () => 'two' });
    source.emit('console', { type: () => 'log', text: () => 'three' });
    source.emit('pageerror', new Error('four'));
    source.emit('pageerror', 'five');
    expect(told).toEqual(['loading', 'error: one', 'warn: two', 'debug: three', 'error: four', 'error: five']);
    await page.close();
  });

  it('asks a page every 5 s whether it lives', async () => {
    const page = await open();
    await pass(15_000);
    expect([chromium(0).page.questions, page.isAlive(), told]).toEqual([3, true, ['loading']]);
    await page.close();
  });
});

describe('A page is replaced', () => {
  it.each([
    [
      'crashes',
      () => void chromium(0).page.emit('error', new Error('Page crashed!')),
      'The page crashed: Page crashed!',
    ],
    ['loses its Chromium', () => chromium(0).exit(), 'chromium ended by SIGKILL.'],
  ])('at once when it %s', async (_, lose, reason) => {
    const page = await open();
    lose();
    expect([page.isAlive(), told]).toEqual([false, ['loading', `lost: ${reason}`]]);
    await pass(0);
    expect([told, started.length, chromium(0).isClosed, page.isAlive()]).toEqual([
      ['loading', `lost: ${reason}`, 'loading'],
      2,
      true,
      true,
    ]);
    await page.close();
  });

  it('when its Chromium ended before it was begun', async () => {
    start = async (first) => {
      start = async () => {};
      first.exit();
    };
    const page = await open();
    expect([told, started.length, page.isAlive()]).toEqual([
      ['loading', 'lost: chromium ended by SIGKILL.', 'loading'],
      2,
      true,
    ]);
    expect(chromium(0).page.loads).toEqual([]);
    await page.close();
  });

  it('once, when it crashes and its Chromium ends after it', async () => {
    const page = await open();
    chromium(0).page.emit('error', new Error('Page crashed!'));
    chromium(0).exit();
    await pass(0);
    expect([told.length, started.length]).toEqual([3, 2]);
    await page.close();
  });

  it.each([
    ['gives no answer for 5 s', 'hang', 10_000, 'There was no answer within 5000 ms.'],
    ['was closed, so that it can be asked no more', new Error('Target closed'), 5_000, 'Target closed'],
  ] as const)('when it %s', async (_, answer, afterMs, reason) => {
    const page = await open();
    chromium(0).page.answer = answer;
    await pass(afterMs - 1);
    expect([told, page.isAlive()]).toEqual([['loading'], true]);
    await pass(1);
    await pass(1);
    expect(told).toEqual(['loading', `lost: The page gave no answer: ${reason}`, 'loading']);
    await page.close();
  });

  it('not when it navigates by itself while it is asked', async () => {
    const page = await open();
    const { page: source } = chromium(0);
    jest.spyOn(source, 'evaluate').mockRejectedValueOnce(new Error('Execution context was destroyed'));
    await pass(5_000);
    expect([told, page.isAlive()]).toEqual([['loading'], true]);
    await page.close();
  });

  it.each([
    ['fails to load', new Error('net::ERR_FAILED'), 0, 'net::ERR_FAILED'],
    ['is not loaded within 10 s', 'hang', 10_000, 'There was no answer within 10000 ms.'],
  ] as const)('when it %s', async (_, load, afterMs, reason) => {
    start = async (first) => {
      start = async () => {};
      first.page.load = load;
    };
    const page = await open();
    await pass(afterMs);
    await pass(1);
    expect(told).toEqual(['loading', `lost: The page did not load: ${reason}`, 'loading']);
    await page.close();
  });

  it('after 0, 0.5, 2, 10 and 10 s when it is lost again and again, and at once after it has answered', async () => {
    const page = await open();
    const waits: number[] = [];
    for (let count = 1; count <= 5; count += 1) {
      chromium(count - 1).exit();
      const beforeMs = Date.now();
      while (started.length === count) await jest.advanceTimersToNextTimerAsync();
      waits.push(Date.now() - beforeMs);
      await pass(0);
    }
    expect(waits).toEqual([0, 500, 2_000, 10_000, 10_000]);
    await pass(5_000);
    chromium(5).exit();
    await pass(0);
    expect(started.length).toBe(7);
    await page.close();
  });

  it('by a start that is tried again after 0.5, 2 and 10 s, and says why it failed', async () => {
    const page = await open();
    start = async () => {
      throw noChromium;
    };
    chromium(0).exit();
    const counts: number[] = [];
    for (const waitMs of [0, 499, 1, 1_999, 1, 9_999, 1]) {
      await pass(waitMs);
      counts.push(started.length);
    }
    expect(counts).toEqual([2, 2, 3, 3, 4, 4, 5]);
    expect(told.slice(2)).toEqual(Array(4).fill('error: It could not be started.'));
    await page.close();
  });

  it('also when its profile cannot be removed', async () => {
    const page = await open();
    chromium(0).end = new Error('EBUSY');
    chromium(0).exit();
    await pass(0);
    expect(told).toEqual(['loading', 'lost: chromium ended by SIGKILL.', 'error: EBUSY', 'loading']);
    await page.close();
  });
});

describe('reload()', () => {
  it('loads the page again in the same Chromium', async () => {
    const page = await open();
    await page.reload();
    expect([told, chromium(0).page.loads, chromium(0).page.scripts.length, started.length, page.isAlive()]).toEqual([
      ['loading', 'loading'],
      [URL, URL],
      1,
      1,
      true,
    ]);
    await page.close();
  });

  it('waits for the load that is going on', async () => {
    start = async (first) => {
      first.page.load = 'hang';
    };
    const page = await open();
    const reloaded = page.reload();
    expect([chromium(0).page.loads, page.isAlive()]).toEqual([[URL], false]);
    start = async () => {};
    await pass(10_000);
    await pass(1);
    await reloaded;
    expect(told).toEqual([
      'loading',
      'loading',
      'lost: The page did not load: There was no answer within 10000 ms.',
      'loading',
    ]);
    await page.close();
  });

  it('replaces a page that does not load again', async () => {
    const page = await open();
    chromium(0).page.load = new Error('net::ERR_FAILED');
    await page.reload();
    await pass(0);
    expect(told).toEqual(['loading', 'loading', 'lost: The page did not load: net::ERR_FAILED', 'loading']);
    await page.close();
  });

  it('lets go of a question that the page was asked before', async () => {
    const page = await open();
    const { page: source } = chromium(0);
    source.answer = 'hang';
    await pass(5_000);
    source.answer = 'ok';
    await page.reload();
    await pass(10_000);
    expect([told, source.questions, page.isAlive()]).toEqual([['loading', 'loading'], 3, true]);
    await page.close();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does nothing where there is no page', async () => {
    const page = await open();
    chromium(0).exit();
    await page.reload();
    expect([told.length, chromium(0).page.loads]).toEqual([2, [URL]]);
    await page.close();
  });
});

describe('kill()', () => {
  it('ends Chromium, and another is started', async () => {
    const page = await open();
    await page.kill();
    expect([told, chromium(0).isClosed]).toEqual([['loading', 'lost: KILLED'], true]);
    await pass(0);
    expect([told.at(-1), started.length]).toEqual(['loading', 2]);
    await page.close();
  });

  it('resolves no sooner than the Chromium that is being ended is gone', async () => {
    const page = await open();
    chromium(0).end = 'hang';
    chromium(0).exit();
    let isOver = false;
    void page.kill().then(() => {
      isOver = true;
    });
    await pass(60_000);
    expect([isOver, started.length]).toEqual([false, 1]);
  });
});

describe('close()', () => {
  it('ends Chromium, and nothing comes after it', async () => {
    const page = await open();
    await page.close();
    const { page: source } = chromium(0);
    chromium(0).exit();
    source.emit('error', new Error('Page crashed!'));
    source.emit('console', { type: () => 'log', text: () => 'late' });
    await Promise.all([page.reload(), page.kill(), page.close()]);
    await pass(60_000);
    expect([told, started.length, chromium(0).isClosed, page.isAlive(), jest.getTimerCount()]).toEqual([
      ['loading'],
      1,
      true,
      false,
      0,
    ]);
  });

  it('ends a load', async () => {
    start = async (first) => {
      first.page.load = 'hang';
    };
    const page = await open();
    await page.close();
    await pass(60_000);
    expect([told, jest.getTimerCount()]).toEqual([['loading'], 0]);
  });

  it('takes back a start that is due', async () => {
    const page = await open();
    chromium(0).exit();
    await page.close();
    await pass(60_000);
    expect([started.length, jest.getTimerCount()]).toEqual([1, 0]);
  });

  it('aborts a start that is going on, and waits until that Chromium is gone', async () => {
    const page = await open();
    let begun = () => {};
    start = () =>
      new Promise((resolve) => {
        begun = resolve;
      });
    chromium(0).exit();
    await pass(0);
    let isOver = false;
    const closed = page.close().then(() => {
      isOver = true;
    });
    await pass(0);
    expect([isOver, signals.at(-1)?.aborted]).toEqual([false, true]);
    begun();
    await closed;
    expect([started.length, chromium(1).isClosed, chromium(1).page.loads, told.length]).toEqual([2, true, [], 2]);
  });

  it('is silent about a start that it aborted', async () => {
    const page = await open();
    start = () =>
      new Promise((_, reject) => {
        signals.at(-1)?.addEventListener('abort', () => reject(noChromium));
      });
    chromium(0).exit();
    await pass(0);
    await page.close();
    expect([told.length, jest.getTimerCount()]).toEqual([2, 0]);
  });
});
