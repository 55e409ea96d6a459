import { randomInt, randomUUID } from 'node:crypto';
import type { ForwardedPacket } from './forwarded-track.ts';
import { createPeerSession, type SfuContext } from './peer-session.ts';
import { openPeerSocket } from './peer-socket.ts';
import { createPeerTransport } from './peer-transport.ts';
import type { MediaSink, PublicationSource } from './publication.ts';
import { type NtpTime, type RtcpPacket, writeSenderReport } from './rtcp.ts';
import { writeRtpHeader } from './rtp.ts';
import type { AnsweredSection, MediaKind, Offer } from './sdp.ts';
import { OfferError, type Subscription } from './sfu.ts';

/** The SFU's own view of a subscription. */
export interface SubscriptionTarget {
  readonly subscription: Subscription;
  /** Closes the subscription if its subscriber has fallen silent. */
  tick(): void;
}

/** One stream that the subscriber gets. */
interface SentStream {
  readonly kind: MediaKind;
  readonly ssrc: number;
  readonly payloadType: number;
  packets: number;
  bytes: number;
}

/**
 * Answers a subscriber's offer with the kinds of media that `source` has.
 *
 * @throws {OfferError} if it asks for none of them; the system's error if the host address cannot be bound.
 */
export async function createSubscription(
  context: SfuContext,
  source: PublicationSource,
  offer: Offer,
): Promise<SubscriptionTarget> {
  const accepted = acceptSections(offer, source);
  const socket = await openPeerSocket(context.host);
  const cname = randomUUID();
  const streams: Partial<Record<MediaKind, SentStream>> = {};
  for (const { codec, ssrc } of accepted) {
    streams[codec.kind] = { kind: codec.kind, ssrc, payloadType: codec.payloadType, packets: 0, bytes: 0 };
  }

  function send(stream: SentStream, { marker, sequenceNumber, timestamp, payload }: ForwardedPacket) {
    stream.packets += 1;
    stream.bytes += payload.length;
    const header = writeRtpHeader(stream.payloadType, marker, sequenceNumber, timestamp, stream.ssrc);
    transport.sendRtp(header, payload);
  }
  const sink: MediaSink = {
    forward(kind, packet) {
      const stream = streams[kind];
      if (stream !== undefined) send(stream, packet);
    },
    forwardSenderReport(kind: MediaKind, ntp: NtpTime, rtpTimestamp: number) {
      const stream = streams[kind];
      if (stream !== undefined) {
        transport.sendRtcp(writeSenderReport(stream.ssrc, ntp, rtpTimestamp, stream, cname));
      }
    },
  };

  /** Sends lost packets again under their own numbers; what the stage no longer has, the publisher is asked for. */
  function recover(stream: SentStream, sequenceNumbers: readonly number[]) {
    const unknown = sequenceNumbers.filter((sequenceNumber) => {
      const packet = source.tracks.get(stream.kind)?.find(sequenceNumber);
      if (packet !== undefined) send(stream, packet);
      return packet === undefined;
    });
    source.requestPackets(stream.kind, unknown);
  }
  function receivedRtcp(packets: RtcpPacket[]) {
    for (const packet of packets) {
      if (packet.type === 'key frame request') {
        if (packet.ssrcs.some((ssrc) => ssrc === streams.video?.ssrc)) source.requestKeyFrame();
      } else if (packet.type === 'nack') {
        const stream = [streams.video, streams.audio].find((candidate) => candidate?.ssrc === packet.ssrc);
        if (stream !== undefined) recover(stream, packet.sequenceNumbers);
      }
    }
  }

  const { certificate, silenceLimitMs } = context;
  const transport = createPeerTransport({
    socket,
    certificate,
    silenceLimitMs,
    peerFingerprint: offer.fingerprint,
    received() {},
    receivedRtcp,
  });
  let detach = () => {};
  transport.onStateChange((state) => {
    if (state === 'closed') detach();
    if (state !== 'connected') return;
    detach = source.attach(sink);
    source.requestKeyFrame();
    for (const { kind, senderReport } of source.tracks.values()) {
      if (senderReport !== undefined) sink.forwardSenderReport(kind, senderReport.ntp, senderReport.rtpTimestamp);
    }
  });
  const session = createPeerSession(context, transport, offer, accepted, cname);
  return {
    subscription: Object.assign(session, { publication: source.publication }),
    tick: transport.checkSilence,
  };
}

function acceptSections(offer: Offer, source: PublicationSource): (AnsweredSection & { ssrc: number })[] {
  const accepted: (AnsweredSection & { ssrc: number })[] = [];
  for (const section of offer.sections) {
    const { codec, receives } = section;
    if (codec === undefined || !receives || !source.tracks.has(codec.kind)) continue;
    if (accepted.some((other) => other.codec.kind === codec.kind)) continue;
    accepted.push({ section, codec, direction: 'sendonly', ssrc: randomInt(1, 2 ** 32) });
  }
  if (accepted.length > 0) return accepted;
  const kinds = [...source.tracks.keys()].join(' or ');
  throw new OfferError(`offer: expected to receive ${kinds}, as opus or as H264 with packetization-mode=1`);
}
