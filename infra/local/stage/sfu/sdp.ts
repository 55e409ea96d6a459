import { randomInt } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { type MediaDescription, type RTCRtpCodecParameters, SessionDescription } from 'werift';
import type { IceCredentials } from './ice-lite.ts';
import { OfferError } from './sfu.ts';

export type MediaKind = 'audio' | 'video';

/** What the SFU needs of an offer (RFC 8829). */
export interface Offer {
  readonly ice: IceCredentials;
  readonly fingerprint: { algorithm: string; value: string };
  readonly sections: readonly OfferedSection[];
}

export interface OfferedSection {
  readonly mid: string;
  readonly kind: string;
  readonly sends: boolean;
  readonly receives: boolean;
  /** The one codec of the offer that the stage takes: Opus, or H.264 in packetization mode 1. */
  readonly codec: OfferedCodec | undefined;
  /** Simulcast layers that the section sends, in its own order; empty without simulcast. */
  readonly rids: readonly string[];
  /** Header extensions by URI. */
  readonly extensions: ReadonlyMap<string, number>;
  /** Protocol and formats of the `m=` line, for a rejection. */
  readonly profile: string;
  readonly formats: string;
}

export interface OfferedCodec {
  readonly payloadType: number;
  readonly kind: MediaKind;
  /** As in `a=rtpmap`, for example `H264/90000`. */
  readonly rtpmap: string;
  readonly mimeType: string;
  readonly clockRate: number;
  readonly parameters: string;
}

/** One accepted section of an answer. */
export interface AnsweredSection {
  readonly section: OfferedSection;
  readonly codec: OfferedCodec;
  readonly direction: 'sendonly' | 'recvonly';
  /** For `sendonly`: the stream that the SFU will send. */
  readonly ssrc?: number;
}

/** What is the same in every answer of one peer connection. */
export interface AnsweringSide {
  readonly ice: IceCredentials;
  readonly fingerprint: string;
  readonly host: string;
  readonly port: number;
  /** CNAME and stream id of what the SFU sends. */
  readonly streamId: string;
}

export const RID_EXTENSION = 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id';
const MID_EXTENSION = 'urn:ietf:params:rtp-hdrext:sdes:mid';
const FINGERPRINT_ALGORITHMS = ['sha-1', 'sha-256', 'sha-384', 'sha-512'];

/**
 * Without transport-wide congestion control the browser learns its bitrate from receiver reports, which takes it half a
 * minute from its own start value; so it is told where to start and how low it may go, in kbit/s. Measured: 2.5 Mbit/s
 * at 1280x720 from the first second.
 */
const BITRATE_HINTS = 'x-google-start-bitrate=2500;x-google-min-bitrate=1500;x-google-max-bitrate=4000';

/**
 * Reads an offer.
 *
 * @throws {OfferError} if it is not SDP, or its media is not bundled over one ICE and DTLS transport.
 */
export function readOffer(sdp: string): Offer {
  // werift's parser fails on bundled media without them, and does not say so.
  if (!/^a=ice-ufrag:\S/m.test(sdp) || !/^a=ice-pwd:\S/m.test(sdp)) {
    throw new OfferError('offer: expected SDP (RFC 8866) with a=ice-ufrag and a=ice-pwd');
  }
  let description: SessionDescription;
  try {
    description = SessionDescription.parse(sdp);
  } catch (cause) {
    throw new OfferError('offer: expected SDP (RFC 8866)', { cause });
  }
  const [first] = description.media;
  if (first === undefined) throw new OfferError('offer: expected at least one m= section');
  const bundled = description.group.find(({ semantic }) => semantic === 'BUNDLE')?.items ?? [];
  for (const { rtp } of description.media) {
    if (description.media.length > 1 && !bundled.includes(rtp.muxId ?? '')) {
      throw new OfferError(`a=group:BUNDLE: expected every m= section in it, and mid ${rtp.muxId ?? '(none)'} is not`);
    }
  }
  const { usernameFragment = '', password = '' } = first.iceParams ?? {};
  const fingerprint = first.dtlsParams?.fingerprints.find(({ algorithm }) =>
    FINGERPRINT_ALGORITHMS.includes(algorithm.toLowerCase()),
  );
  if (fingerprint === undefined) {
    throw new OfferError(`a=fingerprint: expected one of ${FINGERPRINT_ALGORITHMS.join(', ')}`);
  }
  if (first.dtlsParams?.role === 'server') {
    throw new OfferError('a=setup: expected actpass or active, as the stage answers passive (RFC 9725)');
  }
  return {
    ice: { usernameFragment, password },
    fingerprint: { algorithm: fingerprint.algorithm.toLowerCase(), value: fingerprint.value },
    sections: description.media.map(readSection),
  };
}

function readSection(media: MediaDescription): OfferedSection {
  const direction = media.port === 0 ? 'inactive' : (media.direction ?? 'sendrecv');
  return {
    mid: media.rtp.muxId ?? '',
    kind: media.kind,
    sends: direction === 'sendonly' || direction === 'sendrecv',
    receives: direction === 'recvonly' || direction === 'sendrecv',
    codec: media.rtcpMux ? chooseCodec(media) : undefined,
    rids: media.simulcastParameters.filter(({ direction }) => direction === 'send').map(({ rid }) => rid),
    extensions: new Map(media.rtp.headerExtensions.map(({ uri, id }) => [uri, id])),
    profile: media.profile,
    formats: media.fmt.join(' '),
  };
}

function chooseCodec({ kind, rtp }: MediaDescription): OfferedCodec | undefined {
  if (kind === 'audio') {
    const opus = rtp.codecs.find(({ name }) => name.toLowerCase() === 'opus');
    return opus && toOfferedCodec(opus, kind, 'audio/opus');
  }
  if (kind !== 'video') return undefined;
  const modeOne = rtp.codecs.filter(
    ({ name, parameters }) => name.toLowerCase() === 'h264' && parameters?.includes('packetization-mode=1'),
  );
  const constrainedBaseline = modeOne.find(({ parameters }) => /profile-level-id=42e0/i.test(parameters ?? ''));
  const h264 = constrainedBaseline ?? modeOne[0];
  return h264 && toOfferedCodec(h264, kind, 'video/H264');
}

function toOfferedCodec(codec: RTCRtpCodecParameters, kind: MediaKind, mimeType: string): OfferedCodec {
  const { payloadType, clockRate, parameters = '' } = codec;
  return { payloadType, kind, rtpmap: codec.str, mimeType, clockRate, parameters };
}

/** Writes the answer: the accepted sections, every other one rejected, and the SFU's one host candidate. */
export function writeAnswer(offer: Offer, accepted: readonly AnsweredSection[], side: AnsweringSide): string {
  const network = `IN ${isIPv6(side.host) ? 'IP6' : 'IP4'} ${side.host}`;
  const lines = [
    'v=0',
    `o=- ${randomInt(1, 2 ** 47)} 1 ${network}`,
    's=-',
    't=0 0',
    `a=group:BUNDLE ${accepted.map(({ section }) => section.mid).join(' ')}`,
    'a=ice-lite',
  ];
  for (const section of offer.sections) {
    const answered = accepted.find((candidate) => candidate.section === section);
    if (answered === undefined) {
      lines.push(`m=${section.kind} 0 ${section.profile} ${section.formats}`, `c=${network}`, `a=mid:${section.mid}`);
      lines.push('a=inactive');
    } else {
      lines.push(...writeSection(answered, side, network));
    }
  }
  return `${lines.join('\r\n')}\r\n`;
}

function writeSection({ section, codec, direction, ssrc }: AnsweredSection, side: AnsweringSide, network: string) {
  const { payloadType } = codec;
  const lines = [
    `m=${section.kind} 9 ${section.profile} ${payloadType}`,
    `c=${network}`,
    `a=mid:${section.mid}`,
    `a=ice-ufrag:${side.ice.usernameFragment}`,
    `a=ice-pwd:${side.ice.password}`,
    `a=candidate:1 1 udp 2130706431 ${side.host} ${side.port} typ host`,
    'a=end-of-candidates',
    `a=fingerprint:sha-256 ${side.fingerprint}`,
    'a=setup:passive',
    `a=${direction}`,
    'a=rtcp-mux',
    'a=rtcp-rsize',
    `a=rtpmap:${payloadType} ${codec.rtpmap}`,
  ];
  const hints = direction === 'recvonly' && codec.kind === 'video' ? [BITRATE_HINTS] : [];
  const parameters = [codec.parameters, ...hints].filter((part) => part !== '').join(';');
  if (parameters !== '') lines.push(`a=fmtp:${payloadType} ${parameters}`);
  if (codec.kind === 'video') {
    for (const feedback of ['ccm fir', 'nack', 'nack pli']) lines.push(`a=rtcp-fb:${payloadType} ${feedback}`);
  }
  if (ssrc !== undefined) {
    lines.push(`a=msid:${side.streamId} ${side.streamId}-${section.kind}`, `a=ssrc:${ssrc} cname:${side.streamId}`);
  }
  if (direction === 'recvonly' && section.rids.length > 0) {
    for (const uri of [MID_EXTENSION, RID_EXTENSION]) {
      const id = section.extensions.get(uri);
      if (id !== undefined) lines.push(`a=extmap:${id} ${uri}`);
    }
    for (const rid of section.rids) lines.push(`a=rid:${rid} recv`);
    lines.push(`a=simulcast:recv ${section.rids.join(';')}`);
  }
  return lines;
}

/**
 * The ICE username fragment that a trickled SDP fragment (RFC 8840) belongs to, if it names one.
 */
export function readFragmentUsername(sdpFragment: string): string | undefined {
  return sdpFragment.match(/^a=ice-ufrag:(\S+)\r?$/m)?.[1];
}
