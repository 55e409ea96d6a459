import { createActor, fromCallback } from 'xstate';
import { LIMITS, type PageMessage, parseServerMessage, stringify } from '../protocol.ts';
import type { SessionActor, SourceInput, StageCommand, StageEvent, StageInput } from '../session.ts';
import { sessionMachine, sessionStateOf } from '../session.ts';
import { greetingOf, messagesBetween, sessionEventOf, statsOf } from '../session-link.ts';
import type { FakeStage } from './fake-stage.ts';
import type { Connection, End, Link } from './link.ts';

const FIGURES = { frames: 0, bytes: 0, fps: 0, mediaTimeMs: 0, loops: 0, rejoins: 0 };
const RECONNECT_MS = 50;

const SOURCE_MS = 10;

/** The page that each actor system runs in: machines are slow to make, so that all pages share one. */
const pages = new WeakMap<object, PageEnd>();

const machine = sessionMachine.provide({
  actors: {
    source: fromCallback<{ type: 'none' }, SourceInput>(({ system, sendBack }) =>
      pages.get(system)?.openSource(
        () => sendBack({ type: 'source.ready', source: { kind: 'pattern', name: 'pattern' } }),
        () => sendBack({ type: 'source.ended' }),
      ),
    ),
    stage: fromCallback<StageCommand, StageInput>(({ input, system, sendBack, receive }) => {
      const connection = pages.get(system)?.joinStage(input, sendBack);
      receive(({ type }) => (type === 'leave' ? connection?.leave() : connection?.publish()));
      return connection?.close;
    }),
  },
});

export interface PageOptions {
  pageId: string;
  link: Link;
  stage: FakeStage;
  server: () => End;
  onViolation: (text: string) => void;
}

/** One load of the page: the session machine on a connection to the server. */
export class PageEnd implements End {
  readonly actor: SessionActor;
  /** The asset comes to its end. */
  endAsset: () => void = () => {};
  readonly #options: PageOptions;
  readonly #stopStats: () => void;
  readonly #begun = new Set<number>();
  readonly #over = new Set<number>();
  #connection: Connection | null = null;
  #isFirst = true;
  #isUnloaded = false;

  constructor(options: PageOptions) {
    this.#options = options;
    const { link } = options;
    this.actor = createActor(machine, { clock: link.clock });
    pages.set(this.actor.system, this);
    let before = this.actor.getSnapshot();
    this.actor.subscribe({
      next: (snapshot) => {
        const messages = messagesBetween(before, snapshot);
        if (sessionStateOf(before) !== sessionStateOf(snapshot)) messages.push(statsOf(snapshot, FIGURES));
        before = snapshot;
        this.#send(messages);
      },
      error: (error) => options.onViolation(`The session machine failed: ${error}`),
    });
    this.actor.start();
    this.#stopStats = link.clock.setInterval(() => this.#sendStats(), LIMITS.statsIntervalMs);
    this.#connect();
  }

  get state() {
    return sessionStateOf(this.actor.getSnapshot());
  }

  /** The epoch that the page reports. */
  get epoch(): number {
    return statsOf(this.actor.getSnapshot(), FIGURES).epoch ?? 0;
  }

  /** A server that counts anew may use an epoch again, for another invite. */
  forgetEpochs(): void {
    this.#begun.clear();
    this.#over.clear();
  }

  /** The page is gone, by a reload or a crash. */
  unload(): void {
    this.#isUnloaded = true;
    this.#stopStats();
    this.actor.stop();
    this.#connection?.cut('lost');
  }

  openSource(onReady: () => void, onEnd: () => void): () => void {
    const epoch = this.actor.getSnapshot().context.invite?.epoch ?? 0;
    if (this.#begun.has(epoch)) this.#options.onViolation(`A page acted twice on the invite of epoch ${epoch}.`);
    this.#begun.add(epoch);
    this.endAsset = onEnd;
    const timer = this.#options.link.clock.setTimeout(onReady, SOURCE_MS);
    return () => this.#options.link.clock.clearTimeout(timer);
  }

  joinStage({ invite }: StageInput, tell: (event: StageEvent) => void) {
    const epoch = invite?.epoch ?? 0;
    if (this.#over.has(epoch)) this.#options.onViolation(`A page joined for epoch ${epoch}, which was over.`);
    return this.#options.stage.connect(epoch, invite?.stageArn ?? null, tell);
  }

  onMessage(connection: Connection, data: string): void {
    if (connection !== this.#connection) return;
    const message = parseServerMessage(data);
    if (message.type === 'error') {
      this.#options.onViolation(`The server did not understand: ${message.error}`);
      return;
    }
    const event = sessionEventOf(message, this.actor.getSnapshot().context.epoch ?? 0);
    if (event?.type === 'session.stop' && event.epoch !== undefined) this.#over.add(event.epoch);
    if (event !== null) this.actor.send(event);
    this.#sendStats();
  }

  onClose(connection: Connection): void {
    if (connection !== this.#connection) return;
    this.#connection = null;
    this.#options.link.clock.setTimeout(() => this.#connect(), RECONNECT_MS);
  }

  #connect(): void {
    if (this.#isUnloaded) return;
    this.#connection = this.#options.link.connect(this, this.#options.server());
    this.#send(greetingOf(this.actor.getSnapshot(), FIGURES, this.#isFirst));
    this.#isFirst = false;
  }

  #sendStats(): void {
    this.#send([statsOf(this.actor.getSnapshot(), FIGURES)]);
  }

  #send(messages: PageMessage[]): void {
    const { pageId } = this.#options;
    for (const message of messages) this.#connection?.send('to server', stringify({ ...message, pageId }));
  }
}
