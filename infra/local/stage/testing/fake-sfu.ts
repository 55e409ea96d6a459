import {
  type ConnectionState,
  OfferError,
  type PeerSession,
  type Publication,
  type Sfu,
  type Subscription,
} from '../sfu/sfu.ts';

/** What an offer must begin with for the fake to take it. */
export const FAKE_OFFER = 'v=0\r\ns=offer\r\n';

class FakeSession implements PeerSession {
  readonly answerSdp = 'v=0\r\ns=answer\r\n';
  readonly candidates: string[] = [];
  isDark = false;
  #state: ConnectionState = 'connecting';
  readonly #listeners = new Set<(state: ConnectionState) => void>();

  get state(): ConnectionState {
    return this.#state;
  }

  onStateChange(listener: (state: ConnectionState) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async addCandidates(sdpFragment: string): Promise<void> {
    this.candidates.push(sdpFragment);
  }

  /** As when the client's ICE and DTLS are done. */
  connect(): void {
    this.#enter('connected');
  }

  close(): void {
    this.#enter('closed');
  }

  setDark(dark: boolean): void {
    this.isDark = dark;
  }

  #enter(state: ConnectionState): void {
    if (this.#state === 'closed' || this.#state === state) return;
    this.#state = state;
    for (const listener of [...this.#listeners]) listener(state);
  }
}

export class FakePublication extends FakeSession implements Publication {
  counters: ReturnType<Publication['stats']> = {
    audio: { packets: 0, bytes: 0 },
    video: { packets: 0, bytes: 0, frames: 0, codec: null },
  };

  stats(): ReturnType<Publication['stats']> {
    return structuredClone(this.counters);
  }
}

export class FakeSubscription extends FakeSession implements Subscription {
  readonly publication: Publication;

  constructor(publication: Publication) {
    super();
    this.publication = publication;
  }
}

/** An SFU without a network: its sessions do what a test tells them to. */
export class FakeSfu implements Sfu {
  readonly publications: FakePublication[] = [];
  readonly subscriptions: FakeSubscription[] = [];

  async publish(offerSdp: string): Promise<FakePublication> {
    expectOffer(offerSdp);
    const publication = new FakePublication();
    this.publications.push(publication);
    return publication;
  }

  async subscribe(publication: Publication, offerSdp: string): Promise<FakeSubscription> {
    expectOffer(offerSdp);
    const subscription = new FakeSubscription(publication);
    this.subscriptions.push(subscription);
    return subscription;
  }

  async close(): Promise<void> {
    for (const session of [...this.publications, ...this.subscriptions]) session.close();
  }
}

function expectOffer(offerSdp: string): void {
  if (!offerSdp.startsWith(FAKE_OFFER)) throw new OfferError('offer: expected the fake offer');
}
