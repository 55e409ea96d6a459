import { createDtlsCertificate } from './dtls.ts';
import type { SfuContext } from './peer-session.ts';
import { createPublication, type PublicationSource } from './publication.ts';
import { readOffer } from './sdp.ts';
import type { PeerSession, Sfu } from './sfu.ts';
import { createSubscription } from './subscription.ts';
import { openUdpMux } from './udp-mux.ts';

export interface SfuOptions {
  /** The address that the SFU binds and names in its one candidate. Default: 127.0.0.1. */
  host?: string;
  /** Its UDP port, the same for all peer connections. Default: 0, any free one. */
  port?: number;
}

/** How often publishers get a receiver report and silent peers are looked for. */
const TICK_MS = 250;

/**
 * Makes an SFU on one UDP socket, which it opens at once. It is an ICE-lite agent and the passive side of DTLS.
 * `publish` and `subscribe` reject with the system's error if the socket could not be opened.
 */
export function createSfu({ host = '127.0.0.1', port = 0 }: SfuOptions = {}): Sfu {
  const opening = open(host, port);
  // Whoever calls `publish` or `subscribe` gets the error.
  opening.catch(() => {});
  const sources = new WeakMap<PeerSession, PublicationSource>();
  const sessions = new Map<PeerSession, { tick(): void }>();
  let timer: NodeJS.Timeout | undefined;

  function tick() {
    for (const session of sessions.values()) session.tick();
  }
  function keep(session: PeerSession, ticking: { tick(): void }) {
    sessions.set(session, ticking);
    timer ??= setInterval(tick, TICK_MS);
    session.onStateChange((state) => {
      if (state !== 'closed') return;
      sessions.delete(session);
      if (sessions.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    });
  }

  return {
    async publish(offerSdp) {
      const source = createPublication(await opening, readOffer(offerSdp));
      sources.set(source.publication, source);
      keep(source.publication, source);
      return source.publication;
    },
    async subscribe(publication, offerSdp) {
      const source = sources.get(publication);
      if (source === undefined) throw new Error('publication: expected one of this SFU');
      const target = createSubscription(await opening, source, readOffer(offerSdp));
      keep(target.subscription, target);
      return target.subscription;
    },
    async close() {
      for (const session of [...sessions.keys()]) session.close();
      const context = await opening.catch(() => undefined);
      await context?.mux.close();
    },
  };
}

async function open(host: string, port: number): Promise<SfuContext> {
  const [mux, certificate] = await Promise.all([openUdpMux(host, port), createDtlsCertificate()]);
  return { mux, certificate, host };
}
