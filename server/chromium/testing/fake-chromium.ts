import { EventEmitter } from 'node:events';
import type { Browser } from 'puppeteer';
import { ChromiumError } from '../errors.ts';
import type { Chromium } from '../launch.ts';

/** A page that does as the test says. */
export class FakePage extends EventEmitter {
  /** Every address that was loaded, and the scripts that come before its own. */
  readonly loads: string[] = [];
  readonly scripts: string[] = [];
  /** How the next loads and answers end; never, while they are `hang`. */
  load: 'ok' | 'hang' | Error = 'ok';
  answer: 'ok' | 'hang' | Error = 'ok';
  questions = 0;

  async goto(url: string): Promise<void> {
    this.loads.push(url);
    await settle(this.load);
  }

  async evaluate(): Promise<number> {
    this.questions += 1;
    await settle(this.answer);
    return 1;
  }

  async evaluateOnNewDocument(script: string): Promise<void> {
    this.scripts.push(script);
  }
}

/** A Chromium without a process; its one page is {@link page}. */
export class FakeChromium implements Chromium {
  readonly page = new FakePage();
  readonly browser = { pages: async () => [this.page] } as unknown as Browser;
  readonly pid = 1;
  readonly executablePath = '/usr/bin/chromium';
  readonly protection = { sandbox: true, secondUser: false, problem: null };
  isClosed = false;
  /** How `close()` ends. */
  end: 'ok' | 'hang' | Error = 'ok';
  #onExit: ((error: ChromiumError) => void) | null = null;
  #exit: ChromiumError | null = null;

  onExit(listener: (error: ChromiumError) => void): () => void {
    if (this.#exit) listener(this.#exit);
    this.#onExit = listener;
    return () => {
      this.#onExit = null;
    };
  }

  /** Ends by itself, as a process that was killed does. */
  exit(): void {
    this.#exit = new ChromiumError('CHROMIUM_EXITED', 'chromium ended by SIGKILL.');
    this.#onExit?.(this.#exit);
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await settle(this.end);
  }
}

async function settle(how: 'ok' | 'hang' | Error): Promise<void> {
  if (how instanceof Error) throw how;
  if (how === 'hang') await new Promise(() => {});
}
