import type { ParticipantActor, ParticipantEvent } from '../../machines/participant.ts';
import { reportOf, updateOf } from '../../machines/participant-link.ts';
import {
  type PageMessage,
  ProtocolError,
  parsePageMessage,
  stringify,
  type VpStats,
  type VpUpdate,
} from '../../machines/protocol.ts';
import { Admission } from './admission.ts';
import type {
  CloseReason,
  Connection,
  ConnectionEvents,
  DropReason,
  WebSocketCounters,
  WebSocketLog,
} from './connection.ts';
import { RateLimit } from './rate-limit.ts';

/** After its connection broke, the page has so long to come back before it is lost: twice its longest wait. */
export const PAGE_GRACE_MS = 2_000;

export interface PageLinkOptions {
  actor: ParticipantActor;
  counters: WebSocketCounters;
  log: WebSocketLog;
  onStats: ((stats: VpStats) => void) | undefined;
  pageGraceMs: number;
}

interface Client {
  readonly connection: Connection;
  readonly mayBePage: boolean;
  readonly rate: RateLimit;
  isClosed: boolean;
  /** The last update it got, without its timestamp; `null`: it has not subscribed. */
  told: string | null;
}

/**
 * Puts a participant machine and its clients together: what the admitted page says becomes events of the machine, and
 * what can be read off the machine goes to all who subscribed.
 */
export class PageLink {
  readonly #options: PageLinkOptions;
  readonly #clients = new Set<Client>();
  readonly #admission = new Admission<Client>();
  readonly #subscription: { unsubscribe(): void };
  #grace: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: PageLinkOptions) {
    this.#options = options;
    this.#subscription = options.actor.subscribe(() => this.#update());
  }

  connect(connection: Connection, mayBePage: boolean): ConnectionEvents {
    const client: Client = { connection, mayBePage, rate: new RateLimit(), isClosed: false, told: null };
    this.#clients.add(client);
    return {
      onMessage: (data) => this.#onMessage(client, data),
      onClosed: () => this.#onClosed(client),
    };
  }

  /** Says goodbye to every client. The machine hears nothing of it. */
  close(): void {
    this.#isClosed = true;
    this.#subscription.unsubscribe();
    clearTimeout(this.#grace);
    for (const client of this.#clients) this.#end(client, 'GOING_AWAY');
  }

  #onMessage(client: Client, data: string | null): void {
    if (client.isClosed) return;
    const verdict = client.rate.next();
    if (verdict === 'close') {
      this.#end(client, 'TOO_MANY_MESSAGES');
      return;
    }
    try {
      if (verdict === 'answer') throw new ProtocolError('RATE_LIMITED', 'There are too many messages in this second.');
      if (data === null) throw new ProtocolError('NOT_JSON', 'A message must be JSON in a text frame.');
      this.#take(client, parsePageMessage(data));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#options.counters.errors[error.code] += 1;
      client.connection.send(stringify({ type: 'error', error: error.message, code: error.code }));
    }
  }

  #take(client: Client, message: PageMessage): void {
    const before = this.#admission.clients;
    const sender = client.mayBePage ? this.#admission.senderOf(client, message, this.#isActive()) : 'watcher';
    switch (sender) {
      case 'replaced page':
        this.#drop('OTHER_PAGE');
        this.#end(client, 'REPLACED');
        return;
      case 'other page':
        this.#drop('OTHER_PAGE');
        return;
      case 'watcher':
        if (message.type === 'vp.subscribe_vp') this.#subscribe(client);
        else this.#drop('NOT_ADMITTED');
        return;
      case 'new page':
        this.#admit(client, message.pageId, before);
        break;
      case 'page again':
        clearTimeout(this.#grace);
        break;
      case 'page':
    }
    if (message.type === 'vp.subscribe_vp') {
      this.#tell({ type: 'page.ready' });
      this.#subscribe(client);
    } else {
      this.#report(message);
    }
  }

  #admit(client: Client, pageId: string | undefined, before: Iterable<Client>): void {
    clearTimeout(this.#grace);
    for (const other of before) this.#end(other, 'REPLACED');
    this.#options.log('info', 'A page was admitted.', { pageId: pageId ?? 'none' });
    this.#tell({ type: 'page.loading' });
    // It subscribed when it was not known to be a page.
    if (client.told !== null) this.#tell({ type: 'page.ready' });
  }

  #subscribe(client: Client): void {
    client.told ??= '';
    this.#update();
  }

  #report(message: PageMessage): void {
    const { epoch } = this.#options.actor.getSnapshot().context;
    const isOfAnother = (message.epoch ?? epoch) !== epoch;
    // Without an invite, a page that speaks of one is on a stage where it must not be, and the machine is to hear it.
    if (isOfAnother && message.type !== 'vp.ready' && !this.#isAvailable()) {
      this.#drop('OTHER_EPOCH');
      return;
    }
    if (message.type === 'vp.error') {
      this.#options.log('warn', 'The page reported an error.', { code: message.code ?? 'none', error: message.error });
    }
    if (message.type === 'vp.stats') this.#options.onStats?.(message);
    const report = reportOf(message, epoch);
    if (report !== null) this.#tell({ type: 'page.reported', report });
  }

  #onClosed(client: Client): void {
    client.isClosed = true;
    this.#clients.delete(client);
    if (!this.#admission.leave(client) || this.#isClosed) return;
    this.#grace = setTimeout(() => {
      this.#admission.free();
      this.#options.log('warn', 'The page is gone.', {});
      this.#tell({ type: 'page.lost', reason: 'PAGE_GONE' });
    }, this.#options.pageGraceMs);
  }

  #update(): void {
    const update = updateOf(this.#options.actor.getSnapshot(), new Date().toISOString());
    if (update === null) return;
    const forWatchers = withoutToken(update);
    for (const client of this.#clients) {
      if (client.told === null || client.isClosed) continue;
      const own = this.#admission.clients.has(client) ? update : forWatchers;
      const told = withoutTimestamp(own);
      if (told === client.told) continue;
      client.told = told;
      client.connection.send(stringify(own));
    }
  }

  #end(client: Client, reason: CloseReason): void {
    client.isClosed = true;
    client.connection.close(reason);
  }

  #drop(reason: DropReason): void {
    this.#options.counters.dropped[reason] += 1;
  }

  #tell(event: ParticipantEvent): void {
    const { actor } = this.#options;
    if (actor.getSnapshot().status === 'active') actor.send(event);
  }

  /** Whether an invite stands. */
  #isActive(): boolean {
    return this.#options.actor.getSnapshot().matches({ serving: { session: 'active' } });
  }

  #isAvailable(): boolean {
    return this.#options.actor.getSnapshot().matches({ serving: { session: 'available' } });
  }
}

function withoutToken(update: VpUpdate): VpUpdate {
  const { participantToken: _, ...metadata } = update.metadata;
  return { ...update, metadata };
}

function withoutTimestamp({ status, metadata }: VpUpdate): string {
  return JSON.stringify({ status, ...metadata, timestamp: undefined });
}
