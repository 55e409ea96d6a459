import { createDtlsCertificate } from './dtls.ts';
import type { SfuContext } from './peer-session.ts';
import { createPublication, type PublicationSource } from './publication.ts';
import { readOffer } from './sdp.ts';
import type { PeerSession, Sfu } from './sfu.ts';
import { createSubscription } from './subscription.ts';

export interface SfuOptions {
  /** The address that the SFU binds, and names in its one candidate. Default: 127.0.0.1. */
  host?: string;
  /**
   * A client that was not heard for this long has gone; one that took this long to connect never comes. Default: 10 s;
   * a browser sends at least a binding request every 2.5 s.
   */
  silenceLimitMs?: number;
}

/** How often publishers get a receiver report and silent clients are looked for. */
const TICK_MS = 250;

/**
 * Makes an SFU. It is an ICE-lite agent and the passive side of werift's DTLS; SRTP, RTCP and forwarding are its own,
 * as werift's receivers and senders cost several times the CPU time per packet.
 */
export function createSfu({ host = '127.0.0.1', silenceLimitMs = 10_000 }: SfuOptions = {}): Sfu {
  const certificate = createDtlsCertificate();
  const sources = new WeakMap<PeerSession, PublicationSource>();
  const sessions = new Map<PeerSession, { tick(): void }>();
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  async function context(): Promise<SfuContext> {
    return { certificate: await certificate, host, silenceLimitMs };
  }
  function tick() {
    for (const session of sessions.values()) session.tick();
  }
  function keep(session: PeerSession, ticking: { tick(): void }) {
    if (closed) {
      session.close();
      throw new Error('SFU: closed');
    }
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
      const source = await createPublication(await context(), readOffer(offerSdp));
      sources.set(source.publication, source);
      keep(source.publication, source);
      return source.publication;
    },
    async subscribe(publication, offerSdp) {
      const source = sources.get(publication);
      if (source === undefined) throw new Error('publication: expected one of this SFU');
      const target = await createSubscription(await context(), source, readOffer(offerSdp));
      keep(target.subscription, target);
      return target.subscription;
    },
    async close() {
      closed = true;
      for (const session of [...sessions.keys()]) session.close();
    },
  };
}
