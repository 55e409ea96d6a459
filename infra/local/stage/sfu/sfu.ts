/**
 * The media side of the local stage: it answers offers and forwards RTP from one publisher to its subscribers.
 * It knows nothing of tokens, participants or HTTP.
 */
export interface Sfu {
  /**
   * Answers a publisher's offer.
   *
   * @throws {OfferError} if the SDP cannot be understood or offers nothing that can be received.
   */
  publish(offerSdp: string): Promise<Publication>;
  /**
   * Answers a subscriber's offer with the media of `publication`, and asks its publisher for a key frame once connected.
   *
   * @throws {OfferError} if the SDP cannot be understood or asks for nothing that can be sent.
   */
  subscribe(publication: Publication, offerSdp: string): Promise<Subscription>;
  /** Closes every publication and subscription. */
  close(): Promise<void>;
}

export type ConnectionState = 'connecting' | 'connected' | 'closed';

/** One peer connection between a client and the stage. */
export interface PeerSession {
  readonly answerSdp: string;
  readonly state: ConnectionState;
  /** Called on each change of `state`; `closed` is final, whoever closed it. Returns what takes the listener away. */
  onStateChange(listener: (state: ConnectionState) => void): () => void;
  /** Adds the ICE candidates of a trickled SDP fragment (RFC 8840), as a WHIP or WHEP client sends them by PATCH. */
  addCandidates(sdpFragment: string): Promise<void>;
  /** Closes the peer connection; the client sees its DTLS end. */
  close(): void;
  /** While `true`, every packet in both directions is lost and the peer connection stays: a network that went dark. */
  setDark(dark: boolean): void;
}

/** What has arrived from a publisher since it connected. */
export interface MediaCounters {
  packets: number;
  bytes: number;
}

export interface Publication extends PeerSession {
  /** Present counters by kind; `video.frames` counts RTP markers, that is, whole pictures. */
  stats(): { audio: MediaCounters; video: MediaCounters & { frames: number; codec: string | null } };
}

export interface Subscription extends PeerSession {
  readonly publication: Publication;
}

/** An offer that the SFU cannot answer; its message says which part and what was expected. */
export class OfferError extends Error {
  override readonly name = 'OfferError';
}
