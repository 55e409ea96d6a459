import type { Page } from 'puppeteer';
import { within } from '../deadline.ts';
import { type Chromium, launchChromium } from './launch.ts';

/** What happens to the page, for the participant's machine and the log. */
export interface PageListener {
  onLoading(): void;
  /** The page is gone; another one is being opened. */
  onLost(reason: string): void;
  /** A line of the page's console, or an error that nobody caught there. */
  onLog(level: 'error' | 'warn' | 'debug', text: string): void;
}

export interface SupervisedPageOptions {
  url: string;
  /** Given to the page as `window.__vp` before any of its own scripts. */
  handover: Readonly<Record<string, string | number>>;
  listener: PageListener;
  /** Default: `launchChromium`. The signal ends the start. */
  launch?: (signal: AbortSignal) => Promise<Chromium>;
}

/** A page in a Chromium of its own that is there again whenever it was lost, until it is closed. */
export interface SupervisedPage {
  /** Whether the page answered the last question whether it lives. */
  isAlive(): boolean;
  /** Loads the page anew, unless it is being loaded; what it did ends. Resolves also when it did not load: it is replaced then. */
  reload(): Promise<void>;
  /** Ends Chromium; resolves when it is gone. A new one is started. */
  kill(): Promise<void>;
  /** Resolves when no Chromium is left, not even one that was being started. Nothing is told any more. */
  close(): Promise<void>;
}

/** For the page's own files on loopback. */
const LOAD_TIMEOUT_MS = 10_000;
/** A page that does not answer for so long hangs, and is killed. */
const ANSWER_TIMEOUT_MS = 5_000;
const ASK_EVERY_MS = 5_000;
/** Before each new start in a row without a page that answered; the last one is repeated. */
const RESTART_BACKOFF_MS = [0, 500, 2_000, 10_000] as const;

/**
 * Starts a Chromium with one page and keeps both alive: a page that crashed, hangs or did not load, or a Chromium that
 * died, is replaced.
 *
 * @throws {ChromiumError} when the first Chromium cannot be started: then nothing is tried again.
 */
export async function openSupervisedPage(options: SupervisedPageOptions): Promise<SupervisedPage> {
  const { listener, launch = (signal) => launchChromium({ signal }) } = options;
  const closing = new AbortController();
  let failures = 0;
  let present: Life | null = null;
  let timer: NodeJS.Timeout | undefined;
  /** The last end and the last start, as far as they have got. */
  let ending: Promise<void> = Promise.resolve();
  let starting: Promise<void> = Promise.resolve();

  const begin = (chromium: Chromium) => {
    const life: Life = new Life(chromium, options, {
      onAnswer: () => {
        failures = 0;
      },
      onEnd: (reason) => end(life, reason),
    });
    present = life;
    listener.onLoading();
    life.begin();
  };
  const end = (life: Life, reason: string) => {
    if (life !== present) return;
    present = null;
    listener.onLost(reason);
    ending = gone(life).then(restartLater);
  };
  /** A profile that cannot be removed is no reason to be without a page. */
  const gone = (life: Life) => life.close().catch((error: unknown) => listener.onLog('error', textOf(error)));
  const restartLater = () => {
    if (closing.signal.aborted) return;
    const waitMs = RESTART_BACKOFF_MS[Math.min(failures, RESTART_BACKOFF_MS.length - 1)];
    failures += 1;
    timer = setTimeout(() => {
      starting = restart();
    }, waitMs);
  };
  const restart = async () => {
    try {
      const chromium = await launch(closing.signal);
      if (closing.signal.aborted) await chromium.close();
      else begin(chromium);
    } catch (error) {
      if (closing.signal.aborted) return;
      listener.onLog('error', textOf(error));
      restartLater();
    }
  };

  begin(await launch(closing.signal));
  return {
    isAlive: () => present?.answers ?? false,
    async reload() {
      if (present === null) return;
      listener.onLoading();
      await present.load();
    },
    async kill() {
      if (present !== null) end(present, 'KILLED');
      await ending;
    },
    async close() {
      closing.abort();
      clearTimeout(timer);
      const life = present;
      present = null;
      await Promise.all([life && gone(life), ending, starting]);
    },
  };
}

interface LifeListener {
  onAnswer(): void;
  onEnd(reason: string): void;
}

/** One Chromium with its page, from its start to its end. */
class Life {
  answers = false;
  readonly #chromium: Chromium;
  readonly #options: SupervisedPageOptions;
  readonly #listener: LifeListener;
  readonly #closing = new AbortController();
  #page: Promise<Page> | undefined;
  #loading: Promise<void> | null = null;
  /** Counts the loads: a question that was asked of an earlier one is of no interest. */
  #loads = 0;
  #asking: NodeJS.Timeout | undefined;

  constructor(chromium: Chromium, options: SupervisedPageOptions, listener: LifeListener) {
    this.#chromium = chromium;
    this.#options = options;
    this.#listener = listener;
  }

  /** The end may be told before this returns: Chromium may be dead already. */
  begin(): void {
    this.#chromium.onExit((error) => this.#listener.onEnd(error.message));
    if (!this.#closing.signal.aborted) void this.load();
  }

  load(): Promise<void> {
    this.#loading ??= this.#load().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async close(): Promise<void> {
    this.answers = false;
    clearTimeout(this.#asking);
    this.#closing.abort(new Error('It is being closed.'));
    await this.#chromium.close();
  }

  async #load(): Promise<void> {
    this.answers = false;
    clearTimeout(this.#asking);
    this.#loads += 1;
    try {
      const page = await within(LOAD_TIMEOUT_MS, this.#closing.signal, async () => {
        this.#page ??= this.#open();
        const opened = await this.#page;
        await opened.goto(this.#options.url, { waitUntil: 'domcontentloaded' });
        return opened;
      });
      this.answers = true;
      this.#askLater(page);
    } catch (error) {
      this.#listener.onEnd(`The page did not load: ${textOf(error)}`);
    }
  }

  async #open(): Promise<Page> {
    const { handover, listener } = this.#options;
    const log: PageListener['onLog'] = (level, text) => {
      if (!this.#closing.signal.aborted) listener.onLog(level, text);
    };
    const [page = await this.#chromium.browser.newPage()] = await this.#chromium.browser.pages();
    page.on('error', (error) => this.#listener.onEnd(`The page crashed: ${error.message}`));
    page.on('pageerror', (error) => log('error', textOf(error)));
    page.on('console', (message) => log(levelOf(message.type()), message.text()));
    await page.evaluateOnNewDocument(`window.__vp = ${JSON.stringify(handover)}`);
    return page;
  }

  #askLater(page: Page): void {
    this.#asking = setTimeout(() => void this.#ask(page), ASK_EVERY_MS);
  }

  async #ask(page: Page): Promise<void> {
    const load = this.#loads;
    // A page that navigates by itself drops the question; the second one waits for what it navigates to.
    const ask = () => page.evaluate('1').catch(() => page.evaluate('1'));
    try {
      await within(ANSWER_TIMEOUT_MS, this.#closing.signal, ask);
    } catch (error) {
      if (load === this.#loads) this.#listener.onEnd(`The page gave no answer: ${textOf(error)}`);
      return;
    }
    if (load !== this.#loads) return;
    this.#listener.onAnswer();
    this.#askLater(page);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function levelOf(type: string): 'error' | 'warn' | 'debug' {
  if (type === 'error') return 'error';
  return type === 'warn' ? 'warn' : 'debug';
}
