import type { Page } from 'puppeteer';
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
  launch?: () => Promise<Chromium>;
}

/** A page in a Chromium of its own that is there again whenever it was lost, until it is closed. */
export interface SupervisedPage {
  /** Whether the page answered the last question whether it lives. */
  isAlive(): boolean;
  /** Loads the page anew; what it did ends. */
  reload(): Promise<void>;
  /** Ends Chromium; a new one is started. */
  kill(): Promise<void>;
  close(): Promise<void>;
}

/** For the page's own files on loopback. */
const LOAD_TIMEOUT_MS = 10_000;
/** A page that does not answer for so long hangs, and is killed. */
const ANSWER_TIMEOUT_MS = 5_000;
const ASK_EVERY_MS = 5_000;
/** Before each new start in a row that failed; the last one is repeated. */
const RESTART_BACKOFF_MS = [0, 500, 2_000, 10_000] as const;

/**
 * Starts a Chromium with one page and keeps both alive: a page that crashed, hangs or did not load, or a Chromium that
 * died, is replaced.
 *
 * @throws {ChromiumError} when the first Chromium cannot be started: then nothing is tried again.
 */
export async function openSupervisedPage(options: SupervisedPageOptions): Promise<SupervisedPage> {
  const { listener, launch = launchChromium } = options;
  let isClosed = false;
  let failures = 0;
  let present: Life | null = null;
  let timer: NodeJS.Timeout | undefined;

  const begin = (chromium: Chromium) => {
    const life = new Life(chromium, options, (reason) => void end(life, reason));
    present = life;
    listener.onLoading();
    life.load().then(
      () => {
        failures = 0;
      },
      (error: Error) => end(life, `The page did not load: ${error.message}`),
    );
  };
  const end = async (life: Life, reason: string) => {
    if (life !== present) return;
    present = null;
    listener.onLost(reason);
    await life.close();
    if (isClosed) return;
    const waitMs = RESTART_BACKOFF_MS[Math.min(failures, RESTART_BACKOFF_MS.length - 1)];
    failures += 1;
    timer = setTimeout(restart, waitMs);
  };
  const restart = async () => {
    try {
      const chromium = await launch();
      if (isClosed) await chromium.close();
      else begin(chromium);
    } catch (error) {
      listener.onLog('error', error instanceof Error ? error.message : String(error));
      if (isClosed) return;
      failures += 1;
      timer = setTimeout(restart, RESTART_BACKOFF_MS.at(-1));
    }
  };

  begin(await launch());
  return {
    isAlive: () => present?.answers ?? false,
    async reload() {
      const life = present;
      if (life === null) return;
      listener.onLoading();
      await life.load().catch((error: Error) => end(life, `The page did not load again: ${error.message}`));
    },
    async kill() {
      if (present !== null) await end(present, 'KILLED');
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      const life = present;
      present = null;
      await life?.close();
    },
  };
}

/** One Chromium with its page, from its start to its end. */
class Life {
  answers = false;
  readonly #chromium: Chromium;
  readonly #options: SupervisedPageOptions;
  readonly #onEnd: (reason: string) => void;
  #page: Promise<Page> | undefined;
  #asking: NodeJS.Timeout | undefined;

  constructor(chromium: Chromium, options: SupervisedPageOptions, onEnd: (reason: string) => void) {
    this.#chromium = chromium;
    this.#options = options;
    this.#onEnd = onEnd;
    chromium.onExit((error) => onEnd(error.message));
  }

  async load(): Promise<void> {
    this.#page ??= this.#open();
    const page = await this.#page;
    await page.goto(this.#options.url, { timeout: LOAD_TIMEOUT_MS, waitUntil: 'domcontentloaded' });
    this.answers = true;
    clearInterval(this.#asking);
    this.#asking = setInterval(() => this.#ask(page), ASK_EVERY_MS);
  }

  async close(): Promise<void> {
    this.answers = false;
    clearInterval(this.#asking);
    await this.#chromium.close();
  }

  async #open(): Promise<Page> {
    const { handover, listener } = this.#options;
    const [page = await this.#chromium.browser.newPage()] = await this.#chromium.browser.pages();
    page.on('error', (error) => this.#onEnd(`The page crashed: ${error.message}`));
    page.on('pageerror', (error) => listener.onLog('error', error instanceof Error ? error.message : String(error)));
    page.on('console', (message) => listener.onLog(levelOf(message.type()), message.text()));
    await page.evaluateOnNewDocument(`window.__vp = ${JSON.stringify(handover)}`);
    return page;
  }

  async #ask(page: Page): Promise<void> {
    const answer = await Promise.race([
      page.evaluate('1').catch(() => 0),
      new Promise((resolve) => {
        setTimeout(resolve, ANSWER_TIMEOUT_MS, 0).unref();
      }),
    ]);
    this.answers = answer === 1;
    if (!this.answers) this.#onEnd(`The page gave no answer for ${ANSWER_TIMEOUT_MS} ms.`);
  }
}

function levelOf(type: string): 'error' | 'warn' | 'debug' {
  if (type === 'error') return 'error';
  return type === 'warn' ? 'warn' : 'debug';
}
