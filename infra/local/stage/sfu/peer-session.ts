import type { DtlsCertificate } from './dtls.ts';
import type { PeerTransport } from './peer-transport.ts';
import { type AnsweredSection, type Offer, readFragmentUsername, writeAnswer } from './sdp.ts';
import { OfferError, type PeerSession } from './sfu.ts';

/** What all peer connections of one SFU share. */
export interface SfuContext {
  readonly certificate: DtlsCertificate;
  readonly host: string;
  readonly silenceLimitMs: number;
}

/** Answers `offer` with the accepted sections, and gives the transport the face that clients of the SFU see. */
export function createPeerSession(
  { certificate, host }: SfuContext,
  transport: PeerTransport,
  offer: Offer,
  accepted: readonly AnsweredSection[],
  streamId: string,
): PeerSession {
  const { fingerprint } = certificate;
  const { ice, port } = transport;
  const answerSdp = writeAnswer(offer, accepted, { ice, fingerprint, host, port, streamId });
  return {
    answerSdp,
    get state() {
      return transport.state;
    },
    onStateChange: transport.onStateChange,
    // An ICE-lite agent sends no checks of its own, so it has no use for the peer's candidates.
    async addCandidates(sdpFragment) {
      const username = readFragmentUsername(sdpFragment);
      if (username !== undefined && username !== offer.ice.usernameFragment) {
        throw new OfferError('a=ice-ufrag: expected that of the offer, as the stage does not restart ICE');
      }
    },
    close: transport.close,
    setDark: transport.setDark,
  };
}
