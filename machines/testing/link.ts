import type { SteppedClock } from './stepped-clock.ts';

export type Direction = 'to server' | 'to page';

/**
 * How a connection ends: `lost` takes with it what was in flight; after `late` what the page had sent still reaches the
 * server, at a time when the page has connected anew. A page hears nothing on a closed socket (WHATWG WebSockets).
 */
export type CutMode = 'lost' | 'late';

/** When to cut: once so many messages have arrived in one direction, counted over all connections. */
export interface Cut {
  direction: Direction;
  afterMessages: number;
  mode: CutMode;
}

/** One end of a connection. */
export interface End {
  onMessage(connection: Connection, data: string): void;
  onClose(connection: Connection): void;
}

const LATENCY_MS = 2;
const CLOSE_SEEN_MS = 5;
const LATE_MS = 120;
const LATE_CLOSE_SEEN_MS = 200;

/** The WebSockets between a page and a server: ordered, asynchronous, and cut when it is asked for. */
export class Link {
  readonly clock: SteppedClock;
  readonly arrived: Record<Direction, number> = { 'to server': 0, 'to page': 0 };
  readonly open = new Set<Connection>();
  readonly #cut: Cut | null;

  constructor(clock: SteppedClock, cut: Cut | null) {
    this.clock = clock;
    this.#cut = cut;
  }

  connect(page: End, server: End): Connection {
    const connection = new Connection(this, { 'to server': server, 'to page': page });
    this.open.add(connection);
    return connection;
  }

  cutAll(mode: CutMode): void {
    for (const connection of [...this.open]) connection.cut(mode);
  }

  onArrival(connection: Connection, direction: Direction): void {
    this.arrived[direction] += 1;
    const cut = this.#cut;
    if (cut?.direction === direction && cut.afterMessages === this.arrived[direction]) connection.cut(cut.mode);
  }
}

export class Connection {
  readonly #link: Link;
  readonly #ends: Readonly<Record<Direction, End>>;
  readonly #inFlight: Record<Direction, string[]> = { 'to server': [], 'to page': [] };

  constructor(link: Link, ends: Readonly<Record<Direction, End>>) {
    this.#link = link;
    this.#ends = ends;
  }

  send(direction: Direction, data: string): void {
    if (!this.#link.open.has(this)) return;
    this.#inFlight[direction].push(data);
    // Each timer takes the first message in flight, whichever timer it is: timers of one moment fire in any order.
    this.#link.clock.setTimeout(() => {
      if (this.#link.open.has(this)) this.#deliver(direction);
    }, LATENCY_MS);
  }

  cut(mode: CutMode): void {
    if (!this.#link.open.delete(this)) return;
    const { clock } = this.#link;
    this.#inFlight['to page'] = [];
    if (mode === 'lost') this.#inFlight['to server'] = [];
    else clock.setTimeout(() => this.#deliverRest(), LATE_MS);
    clock.setTimeout(() => this.#ends['to page'].onClose(this), CLOSE_SEEN_MS);
    const seenMs = mode === 'lost' ? CLOSE_SEEN_MS : LATE_CLOSE_SEEN_MS;
    clock.setTimeout(() => this.#ends['to server'].onClose(this), seenMs);
  }

  #deliver(direction: Direction): void {
    const data = this.#inFlight[direction].shift();
    if (data === undefined) return;
    this.#ends[direction].onMessage(this, data);
    this.#link.onArrival(this, direction);
  }

  #deliverRest(): void {
    while (this.#inFlight['to server'].length > 0) this.#deliver('to server');
  }
}
