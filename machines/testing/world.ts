import { LIMITS } from '../protocol.ts';
import { FakeRecord } from './fake-record.ts';
import { FakeStage } from './fake-stage.ts';
import type { Cut } from './link.ts';
import { Link } from './link.ts';
import { PageEnd } from './page-end.ts';
import { ServerEnd } from './server-end.ts';
import { SteppedClock } from './stepped-clock.ts';

const RELOAD_MS = 300;

/** Control plane, server, page and stage on one simulated clock, and the rules that hold at every moment. */
export class World {
  readonly clock = new SteppedClock();
  readonly link: Link;
  readonly stage = new FakeStage(this.clock);
  readonly record: FakeRecord;
  readonly violations: string[] = [];
  server: ServerEnd;
  page: PageEnd | null;
  #pages = 0;

  constructor(cut: Cut | null = null) {
    this.link = new Link(this.clock, cut);
    this.record = new FakeRecord(this.clock, this.#note);
    this.record.onWrite = (status) => {
      if (status === 'AVAILABLE' && this.stage.epochs().length > 0) {
        this.#note(`The record became AVAILABLE while the page was on the stage: ${this.describe()}.`);
      }
    };
    this.server = this.#startServer(0);
    this.page = this.#loadPage();
  }

  /** Lets time pass until `condition` holds. */
  async until(condition: () => boolean, limitMs = 30_000): Promise<void> {
    if (await this.clock.runUntil(condition, limitMs)) return;
    throw new Error(`${condition} did not come to hold within ${limitMs} ms: ${this.describe()}.`);
  }

  async invite(): Promise<void> {
    await this.until(() => this.record.invite());
  }

  async publish(): Promise<void> {
    await this.invite();
    await this.until(() => this.record.status === 'PUBLISHED');
  }

  /** The page crashes, and nobody loads it again. */
  crashPage(): void {
    this.page?.unload();
    this.page = null;
  }

  reloadPage(): void {
    this.crashPage();
    this.clock.setTimeout(() => {
      this.page ??= this.#loadPage();
    }, RELOAD_MS);
  }

  /** Another process of the server takes the place of the present one, and counts on from `epoch`. */
  restartServer(epoch: number): void {
    this.server.kill();
    this.page?.forgetEpochs();
    this.record.register(epoch);
    this.server = this.#startServer(epoch);
    this.link.cutAll('lost');
  }

  /** What keeps page, server, record and stage from agreeing that they are in state `end`; `null` if they agree. */
  disagreement(end: string): string | null {
    const { server, page, stage } = this;
    const isOnStage = end === 'published' || end === 'connected';
    const pageStates = { published: ['published'], connected: ['joined', 'publishing'] }[end] ?? ['idle', 'failed'];
    const status = end === 'available' && page === null ? this.record.status : end.toUpperCase();
    const agree =
      server.state === end &&
      this.record.status === status &&
      (this.record.status === 'NONE' || this.record.epoch === server.epoch) &&
      (page === null || (pageStates.includes(page.state) && page.epoch === server.epoch)) &&
      `${stage.epochs()}` === (isOnStage ? `${server.epoch}` : '');
    return agree ? null : this.describe();
  }

  /** Waits until all agree on `end`, then sees to it that they stay so. */
  async settle(end: string, limitMs: number): Promise<void> {
    const agreed = await this.clock.runUntil(() => this.disagreement(end) === null, limitMs);
    if (agreed) await this.clock.run(LIMITS.statsIntervalMs + 500);
    const disagreement = this.disagreement(end);
    if (disagreement !== null) this.#note(`No agreement on ${end}: ${disagreement}`);
  }

  describe(): string {
    const { server, page, record, stage } = this;
    return [
      `server ${server.state} ${server.epoch}`,
      `page ${page === null ? 'gone' : `${page.state} ${page.epoch}`}`,
      `record ${record.status} ${record.epoch}`,
      `on stage [${stage.epochs()}]`,
    ].join(', ');
  }

  readonly #note = (text: string): void => {
    this.violations.push(`${this.clock.now()} ms: ${text}`);
  };

  #startServer(epoch: number): ServerEnd {
    const { clock, stage, record } = this;
    return new ServerEnd({ clock, stage, record, epoch, onViolation: this.#note });
  }

  #loadPage(): PageEnd {
    this.#pages += 1;
    const { link, stage } = this;
    const pageId = `page ${this.#pages}`;
    return new PageEnd({ pageId, link, stage, server: () => this.server, onViolation: this.#note });
  }
}
