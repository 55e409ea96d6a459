import type { PageMessage } from '../../machines/protocol.ts';

/** Who a message comes from. */
export type Sender =
  /** The admitted page. */
  | 'page'
  /** The admitted page, for the first time by this connection. */
  | 'page again'
  /** A page that was loaded anew and is admitted by this message. */
  | 'new page'
  /** A client that hears of each status and gets no token. */
  | 'watcher'
  /** A page that another one has replaced. */
  | 'replaced page'
  /** The admitted page's connection, in the name of another page. */
  | 'other page';

interface Place<Client> {
  /** `null`: a program that names no page. */
  pageId: string | null;
  /** None: the page is gone for the moment, and the place is kept for it. */
  clients: Set<Client>;
}

/** Replaced pages that are remembered. Each of them went away long before so many others came. */
const REPLACED_KEPT = 100;

/** Decides who is the one admitted page. Clients are its connections, told apart by identity. */
export class Admission<Client extends object> {
  readonly #replaced = new Set<string>();
  #place: Place<Client> | null = null;

  /** The connections of the admitted page. */
  get clients(): ReadonlySet<Client> {
    return this.#place?.clients ?? new Set();
  }

  /**
   * Places a message of a client that may be the page, and admits it where that is due. Without a pageId and without
   * `vp.ready`, a client takes only a place that nobody holds.
   *
   * @param goesOn - whether an invite stands, with which a program without a pageId can go on when it connects anew; if
   *   not, it is taken as loaded anew.
   */
  senderOf(client: Client, message: PageMessage, goesOn: boolean): Sender {
    const pageId = message.pageId ?? null;
    const isLoaded = message.type === 'vp.ready';
    const place = this.#place;
    if (pageId !== null && this.#replaced.has(pageId)) return 'replaced page';
    if (place?.clients.has(client)) {
      if (pageId !== null && place.pageId !== null && pageId !== place.pageId) return 'other page';
      place.pageId ??= pageId;
      return 'page';
    }
    const isHeld = place !== null && (place.clients.size > 0 || place.pageId !== null);
    if (isHeld && pageId === null && !isLoaded) return 'watcher';

    if (place !== null && (pageId === null ? !isLoaded && goesOn : pageId === place.pageId)) {
      place.clients.add(client);
      return 'page again';
    }
    if (place !== null && place.pageId !== null) this.#remember(place.pageId);
    this.#place = { pageId, clients: new Set([client]) };
    return 'new page';
  }

  /** A connection is gone. Returns whether it was the page's last, whose place is kept until {@link Admission.free}. */
  leave(client: Client): boolean {
    const clients = this.#place?.clients;
    return clients?.delete(client) === true && clients.size === 0;
  }

  /** Gives the place up. */
  free(): void {
    this.#place = null;
  }

  #remember(pageId: string): void {
    this.#replaced.add(pageId);
    const [oldest] = this.#replaced;
    if (this.#replaced.size > REPLACED_KEPT && oldest !== undefined) this.#replaced.delete(oldest);
  }
}
