import type { NtpTime } from './rtcp.ts';
import { type RtpPacket, startsKeyFrame } from './rtp.ts';
import type { MediaKind } from './sdp.ts';

/** A packet as every subscriber gets it, but for payload type and SSRC, which each subscriber has its own of. */
export interface ForwardedPacket {
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly marker: boolean;
  readonly payload: Buffer;
}

/** One kind of media of a publication: it makes one unbroken RTP stream of the layers that the publisher sends. */
export interface ForwardedTrack {
  readonly kind: MediaKind;
  /** The stream that is being forwarded: the one to ask for key frames and lost packets. */
  readonly ssrc: number | undefined;
  /** @returns the packet to forward, or `undefined` while another layer is being forwarded. */
  accept(packet: RtpPacket, rank: number): ForwardedPacket | undefined;
  /** A packet forwarded in the last seconds, by the sequence number that subscribers know it by. */
  find(sequenceNumber: number): ForwardedPacket | undefined;
  /** The sequence number that the publisher knows it by. */
  toPublished(sequenceNumber: number): number;
  /** Maps a sender report of `ssrc` to the timestamps that subscribers see, if that stream is being forwarded. */
  acceptSenderReport(ssrc: number, ntp: NtpTime, rtpTimestamp: number): void;
  readonly senderReport: { ntp: NtpTime; rtpTimestamp: number } | undefined;
}

/** About two seconds of 2.5 Mbit/s video. */
const HISTORY_PACKETS = 512;
/** A layer that the browser stopped sending (too little bandwidth, or a small picture) is given up after this. */
const LAYER_SILENCE_MS = 1_000;

/**
 * Makes the forwarded track.
 *
 * @param wantKeyFrame Called with a layer that needs a key frame: it is better than the present one and is taken from
 *   then on, or it stands in for one that fell silent.
 * @param now The time in milliseconds, from any start.
 */
export function createForwardedTrack(
  kind: MediaKind,
  clockRate: number,
  wantKeyFrame: (ssrc: number) => void,
  now: () => number = () => performance.now(),
): ForwardedTrack {
  const history = new Array<ForwardedPacket | undefined>(HISTORY_PACKETS);
  let current: { ssrc: number; rank: number; sequenceOffset: number; timestampOffset: number } | undefined;
  let last: { sequenceNumber: number; timestamp: number; at: number } | undefined;
  let asked: number | undefined;
  let senderReport: ForwardedTrack['senderReport'];

  function mayTake(packet: RtpPacket, rank: number): boolean {
    if (current === undefined || last === undefined) return true;
    if (now() - last.at > LAYER_SILENCE_MS) return true;
    if (rank >= current.rank) return false;
    if (startsKeyFrame(packet.payload)) return true;
    if (asked !== packet.ssrc) {
      asked = packet.ssrc;
      wantKeyFrame(packet.ssrc);
    }
    return false;
  }

  /** Continues the numbers that subscribers have seen. */
  function take({ ssrc, sequenceNumber, timestamp }: RtpPacket, rank: number) {
    senderReport = undefined;
    asked = undefined;
    if (last === undefined) {
      current = { ssrc, rank, sequenceOffset: 0, timestampOffset: 0 };
      return current;
    }
    const elapsed = Math.round(((now() - last.at) * clockRate) / 1_000);
    current = {
      ssrc,
      rank,
      sequenceOffset: last.sequenceNumber + 1 - sequenceNumber,
      timestampOffset: last.timestamp + elapsed - timestamp,
    };
    return current;
  }

  return {
    kind,
    get ssrc() {
      return current?.ssrc;
    },
    get senderReport() {
      return senderReport;
    },
    accept(packet, rank) {
      if (current?.ssrc !== packet.ssrc && !mayTake(packet, rank)) return undefined;
      const switches = current !== undefined && current.ssrc !== packet.ssrc;
      const source = current?.ssrc === packet.ssrc ? current : take(packet, rank);
      if (switches && !startsKeyFrame(packet.payload)) wantKeyFrame(packet.ssrc);
      const sequenceNumber = (packet.sequenceNumber + source.sequenceOffset) & 0xffff;
      const timestamp = (packet.timestamp + source.timestampOffset) >>> 0;
      const forwarded = { sequenceNumber, timestamp, marker: packet.marker, payload: packet.payload };
      history[sequenceNumber % HISTORY_PACKETS] = forwarded;
      const ahead = last === undefined ? 0 : (sequenceNumber - last.sequenceNumber) & 0xffff;
      if (last === undefined || ahead < 0x8000) last = { sequenceNumber, timestamp, at: now() };
      return forwarded;
    },
    find(sequenceNumber) {
      const packet = history[sequenceNumber % HISTORY_PACKETS];
      return packet?.sequenceNumber === sequenceNumber ? packet : undefined;
    },
    toPublished: (sequenceNumber) => (sequenceNumber - (current?.sequenceOffset ?? 0)) & 0xffff,
    acceptSenderReport(ssrc, ntp, rtpTimestamp) {
      if (current?.ssrc !== ssrc) return;
      senderReport = { ntp, rtpTimestamp: (rtpTimestamp + current.timestampOffset) >>> 0 };
    },
  };
}
