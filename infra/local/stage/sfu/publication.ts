import { randomInt, randomUUID } from 'node:crypto';
import { createForwardedTrack, type ForwardedPacket, type ForwardedTrack } from './forwarded-track.ts';
import { createPeerSession, type SfuContext } from './peer-session.ts';
import { openPeerSocket } from './peer-socket.ts';
import { createPeerTransport } from './peer-transport.ts';
import { createReceivedStream, type ReceivedStream } from './received-stream.ts';
import { type NtpTime, type RtcpPacket, writeKeyFrameRequest, writeNack, writeReceiverReport } from './rtcp.ts';
import { type RtpPacket, readTextExtension } from './rtp.ts';
import { type AnsweredSection, type MediaKind, type Offer, RID_EXTENSION } from './sdp.ts';
import { OfferError, type Publication } from './sfu.ts';

/** What a publication hands its media to. */
export interface MediaSink {
  forward(kind: MediaKind, packet: ForwardedPacket): void;
  forwardSenderReport(kind: MediaKind, ntp: NtpTime, rtpTimestamp: number): void;
}

/** The SFU's own view of a publication. */
export interface PublicationSource {
  readonly publication: Publication;
  readonly tracks: ReadonlyMap<MediaKind, ForwardedTrack>;
  /** Starts handing media to `sink`; the returned function stops it. */
  attach(sink: MediaSink): () => void;
  /** Asks for a key frame of the video that is being forwarded, at once or within `KEY_FRAME_INTERVAL_MS`. */
  requestKeyFrame(): void;
  /** Asks the publisher again for packets that subscribers know by these sequence numbers. */
  requestPackets(kind: MediaKind, sequenceNumbers: readonly number[]): void;
  /** Sends a receiver report, and closes the publication if its publisher has fallen silent. */
  tick(): void;
}

/** Many subscribers that come at once share one key frame. */
const KEY_FRAME_INTERVAL_MS = 100;

/** One RTP stream that the publisher sends. */
interface PublishedStream {
  readonly account: ReceivedStream;
  readonly track: ForwardedTrack;
  /** 0 for the layer to prefer. */
  readonly rank: number;
}

/**
 * Answers a publisher's offer: it takes the first audio and the first video section that it can.
 *
 * @throws {OfferError} if it can take none; the system's error if the host address cannot be bound.
 */
export async function createPublication(context: SfuContext, offer: Offer): Promise<PublicationSource> {
  const accepted = acceptSections(offer);
  const socket = await openPeerSocket(context.host);
  const reporterSsrc = randomInt(1, 2 ** 32);
  const streams = new Map<number, PublishedStream>();
  const tracks = new Map<MediaKind, ForwardedTrack>();
  const sinks = new Set<MediaSink>();
  const audio = { packets: 0, bytes: 0 };
  const video = { packets: 0, bytes: 0, frames: 0 };
  let codec: string | null = null;
  let keyFrameAskedAt = Number.NEGATIVE_INFINITY;
  let keyFrameTimer: NodeJS.Timeout | undefined;

  function askForKeyFrame(ssrc: number) {
    keyFrameAskedAt = performance.now();
    sendFeedback(writeKeyFrameRequest(reporterSsrc, ssrc));
  }
  /** Feedback travels behind a receiver report, as RFC 3550 wants of a compound packet. */
  function sendFeedback(feedback: Buffer) {
    transport.sendRtcp(Buffer.concat([writeReceiverReport(reporterSsrc, []), feedback]));
  }
  function requestKeyFrame() {
    keyFrameTimer ??= setTimeout(
      () => {
        keyFrameTimer = undefined;
        const ssrc = tracks.get('video')?.ssrc;
        if (ssrc !== undefined) askForKeyFrame(ssrc);
      },
      Math.max(0, keyFrameAskedAt + KEY_FRAME_INTERVAL_MS - performance.now()),
    );
  }

  for (const { codec } of accepted) {
    tracks.set(codec.kind, createForwardedTrack(codec.kind, codec.clockRate, askForKeyFrame));
  }

  /** The payload type tells the section, since BUNDLE makes it unique; the RID tells the layer. */
  function startStream(packet: RtpPacket): PublishedStream | undefined {
    const answered = accepted.find(({ codec }) => codec.payloadType === packet.payloadType);
    const track = answered && tracks.get(answered.codec.kind);
    if (answered === undefined || track === undefined) return undefined;
    const rank = rankOf(packet, answered);
    if (rank === undefined) return undefined;
    const stream = { account: createReceivedStream(packet.ssrc, answered.codec.clockRate), track, rank };
    streams.set(packet.ssrc, stream);
    return stream;
  }

  function received(packet: RtpPacket) {
    const stream = streams.get(packet.ssrc) ?? startStream(packet);
    if (stream === undefined) return;
    stream.account.count(packet);
    const forwarded = stream.track.accept(packet, stream.rank);
    if (forwarded === undefined) return;
    const { kind } = stream.track;
    const counters = kind === 'audio' ? audio : video;
    counters.packets += 1;
    counters.bytes += packet.payload.length;
    if (kind === 'video') {
      if (packet.marker) video.frames += 1;
      codec ??= accepted.find(({ codec }) => codec.kind === 'video')?.codec.mimeType ?? null;
    }
    for (const sink of sinks) sink.forward(kind, forwarded);
  }

  function receivedRtcp(packets: RtcpPacket[]) {
    for (const packet of packets) {
      if (packet.type !== 'sender report') continue;
      const stream = streams.get(packet.ssrc);
      if (stream === undefined) continue;
      stream.account.countSenderReport(packet.ntp);
      stream.track.acceptSenderReport(packet.ssrc, packet.ntp, packet.rtpTimestamp);
      const report = stream.track.senderReport;
      if (report === undefined || stream.track.ssrc !== packet.ssrc) continue;
      for (const sink of sinks) sink.forwardSenderReport(stream.track.kind, report.ntp, report.rtpTimestamp);
    }
  }

  const { certificate, silenceLimitMs } = context;
  const transport = createPeerTransport({
    socket,
    certificate,
    silenceLimitMs,
    peerFingerprint: offer.fingerprint,
    received,
    receivedRtcp,
  });
  transport.onStateChange((state) => {
    if (state !== 'closed') return;
    clearTimeout(keyFrameTimer);
    sinks.clear();
  });
  const session = createPeerSession(context, transport, offer, accepted, randomUUID());
  const publication: Publication = Object.assign(session, {
    stats: () => ({ audio: { ...audio }, video: { ...video, codec } }),
  });

  return {
    publication,
    tracks,
    attach(sink) {
      sinks.add(sink);
      return () => void sinks.delete(sink);
    },
    requestKeyFrame() {
      if (transport.state === 'connected') requestKeyFrame();
    },
    requestPackets(kind, sequenceNumbers) {
      const track = tracks.get(kind);
      if (track?.ssrc === undefined || sequenceNumbers.length === 0) return;
      sendFeedback(writeNack(reporterSsrc, track.ssrc, sequenceNumbers.map(track.toPublished)));
    },
    tick() {
      transport.checkSilence();
      const blocks = [...streams.values()].map(({ account }) => account.report());
      transport.sendRtcp(writeReceiverReport(reporterSsrc, blocks));
    },
  };
}

function acceptSections(offer: Offer): AnsweredSection[] {
  const accepted: AnsweredSection[] = [];
  for (const section of offer.sections) {
    const { codec, sends } = section;
    if (codec === undefined || !sends || accepted.some((other) => other.codec.kind === codec.kind)) continue;
    accepted.push({ section, codec, direction: 'recvonly' });
  }
  if (accepted.length > 0) return accepted;
  throw new OfferError('offer: expected to be sent opus, or H264 with packetization-mode=1, with a=rtcp-mux');
}

/**
 * The IVS SDK calls its best layer `hi`; other senders list the best one first (RFC 8853, 5.3).
 *
 * @returns `undefined` for a packet of a simulcast stream that does not say yet which layer it is.
 */
function rankOf({ extension }: RtpPacket, { section: { rids, extensions } }: AnsweredSection): number | undefined {
  if (rids.length === 0) return 0;
  const rid = readTextExtension(extension, extensions.get(RID_EXTENSION) ?? 0);
  if (rid === undefined || !rids.includes(rid)) return undefined;
  return rids.includes('hi') ? ['hi', 'mid', 'low'].indexOf(rid) : rids.indexOf(rid);
}
