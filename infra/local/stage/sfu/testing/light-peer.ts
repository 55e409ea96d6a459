import { randomInt } from 'node:crypto';
import { Candidate, Connection, DtlsClient, SessionDescription } from 'werift';
import { createDtlsCertificate, type DtlsCertificate, writeCloseNotify } from '../dtls.ts';
import type { RtpPacket } from '../rtp.ts';
import {
  AEAD_AES_128_GCM,
  AES128_CM_HMAC_SHA1_80,
  createSrtpReceiver,
  createSrtpSender,
  SRTP_KEY_LENGTH,
  SRTP_SALT_LENGTH,
  type SrtpProfile,
} from '../srtp.ts';

export const LIGHT_AUDIO_PAYLOAD_TYPE = 111;
export const LIGHT_VIDEO_PAYLOAD_TYPE = 96;

export interface LightPeerOptions {
  direction: 'sendonly' | 'recvonly';
  /** Carries the offer to the stage and brings its answer. */
  exchange(offerSdp: string): Promise<string>;
  /** Default: both, AES-GCM first. */
  srtpProfiles?: SrtpProfile[];
  /** Simulcast layers to offer, in order. Default: none. */
  rids?: readonly string[];
  /** Listens from the first packet on, as {@link LightPeer.onRtcp} does later. */
  onRtcp?(packet: Buffer): void;
}

/** A peer connection that is no browser's: full ICE and DTLS of werift, and RTP that the test writes itself. */
export interface LightPeer {
  readonly answerSdp: string;
  /** The streams that the peer offered to send, or that the stage announced, by kind. */
  readonly ssrcs: { audio: number; video: number };
  readonly srtpProfile: SrtpProfile;
  sendRtp(header: Buffer, payload: Buffer): void;
  sendRtcp(packet: Buffer): void;
  /** Sends a datagram as it is. */
  sendRaw(datagram: Buffer): void;
  onRtp(listener: (packet: RtpPacket) => void): void;
  /** Gets compound packets. */
  onRtcp(listener: (packet: Buffer) => void): void;
  /** Fulfilled when the stage has ended the DTLS association. */
  readonly ended: Promise<void>;
  /** Ends the DTLS association, as a browser's `close()` does, and stops. */
  end(): Promise<void>;
  /** Stops without a word, as a client that crashed. */
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 5_000;
let sharedCertificate: Promise<DtlsCertificate> | undefined;

/**
 * Offers, and connects.
 *
 * @throws what `exchange` throws; `Error` if the connection is not made within 5 s.
 */
export async function connectLightPeer(options: LightPeerOptions): Promise<LightPeer> {
  sharedCertificate ??= createDtlsCertificate();
  const certificate = await sharedCertificate;
  const ice = new Connection(true, { useIpv6: false, additionalHostAddresses: ['127.0.0.1'] });
  const offered = { audio: randomInt(1, 2 ** 32), video: randomInt(1, 2 ** 32) };
  try {
    const answerSdp = await options.exchange(writeOffer(ice, certificate, offered, options));
    const answer = SessionDescription.parse(answerSdp);
    const announced = (kind: 'audio' | 'video') => answer.media.find((media) => media.kind === kind)?.ssrc[0]?.ssrc;
    await connectIce(ice, answer);
    const { dtls, ended } = await connectDtls(ice, certificate, options.srtpProfiles);
    const profile = dtls.srtp.srtpProfile === AEAD_AES_128_GCM ? AEAD_AES_128_GCM : AES128_CM_HMAC_SHA1_80;
    const keys = dtls.extractSessionKeys(SRTP_KEY_LENGTH, SRTP_SALT_LENGTH[profile]);
    const sender = createSrtpSender({ profile, key: keys.localKey, salt: keys.localSalt });
    const receiver = createSrtpReceiver({ profile, key: keys.remoteKey, salt: keys.remoteSalt });
    let rtp = (_packet: RtpPacket) => {};
    let rtcp = options.onRtcp ?? ((_packet: Buffer) => {});
    let open = true;
    ice.onData.subscribe((datagram) => {
      const [first = 0, second = 0] = datagram;
      if (!open || first < 128) return;
      if (second >= 192 && second < 224) {
        const compound = receiver.unprotectRtcp(datagram);
        if (compound !== undefined) rtcp(compound);
      } else {
        const packet = receiver.unprotectRtp(datagram);
        if (packet !== undefined) rtp(packet);
      }
    });
    const close = async () => {
      open = false;
      await ice.close();
    };
    return {
      answerSdp,
      ssrcs: { audio: announced('audio') ?? offered.audio, video: announced('video') ?? offered.video },
      srtpProfile: profile,
      sendRtp(header, payload) {
        if (open) void ice.send(sender.protectRtp(header, payload));
      },
      sendRtcp(packet) {
        if (open) void ice.send(sender.protectRtcp(packet));
      },
      sendRaw: (datagram) => void ice.send(datagram),
      onRtp: (listener) => {
        rtp = listener;
      },
      onRtcp: (listener) => {
        rtcp = listener;
      },
      ended,
      async end() {
        await ice.send(writeCloseNotify(dtls));
        await close();
      },
      close,
    };
  } catch (error) {
    await ice.close();
    throw error;
  }
}

async function connectIce(ice: Connection, answer: SessionDescription): Promise<void> {
  const [section] = answer.media;
  const { usernameFragment, password } = section?.iceParams ?? {};
  if (section === undefined || usernameFragment === undefined || password === undefined) {
    throw new Error('answer: expected ICE credentials');
  }
  await ice.gatherCandidates();
  ice.setRemoteParams({ iceLite: answer.iceLite, usernameFragment, password });
  for (const { foundation, component, protocol, priority, ip, port, type } of section.iceCandidates) {
    await ice.addRemoteCandidate(new Candidate(foundation, component, protocol, priority, ip, port, type));
  }
  await ice.addRemoteCandidate(undefined);
  await within(ice.connect(), 'ICE');
}

async function connectDtls(ice: Connection, certificate: DtlsCertificate, srtpProfiles?: SrtpProfile[]) {
  const transport = {
    type: 'udp',
    address: { address: '', family: '', port: 0 },
    closed: false,
    onData: (_datagram: Buffer) => {},
    send: (datagram: Buffer) => ice.send(datagram),
    close: async () => {},
  };
  const dtls = new DtlsClient({
    transport,
    cert: certificate.certPem,
    key: certificate.keyPem,
    signatureHash: certificate.signatureHash,
    srtpProfiles: srtpProfiles ?? [AEAD_AES_128_GCM, AES128_CM_HMAC_SHA1_80],
    extendedMasterSecret: true,
  });
  ice.onData.subscribe((datagram) => {
    const [first = 0] = datagram;
    if (first >= 20 && first < 64) transport.onData(datagram);
  });
  const ended = new Promise<void>((resolve) => dtls.onClose.once(() => resolve()));
  const connected = new Promise<void>((resolve, reject) => {
    // An error of one message, as of a repeated HelloVerifyRequest, is not the end of a handshake: the deadline is.
    dtls.onConnect.once(() => resolve());
    dtls.connect().catch(reject);
  });
  await within(connected, 'DTLS');
  return { dtls, ended };
}

async function within(step: Promise<void>, name: string): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    const message = `${name}: expected to connect within ${CONNECT_TIMEOUT_MS} ms`;
    timer = setTimeout(() => reject(new Error(message)), CONNECT_TIMEOUT_MS);
  });
  await Promise.race([step, deadline]).finally(() => clearTimeout(timer));
}

function writeOffer(
  ice: Connection,
  certificate: DtlsCertificate,
  ssrcs: { audio: number; video: number },
  { direction, rids = [] }: LightPeerOptions,
): string {
  const transport = [
    'c=IN IP4 0.0.0.0',
    `a=ice-ufrag:${ice.localUsername}`,
    `a=ice-pwd:${ice.localPassword}`,
    `a=fingerprint:sha-256 ${certificate.fingerprint}`,
    'a=setup:actpass',
    `a=${direction}`,
    'a=rtcp-mux',
  ];
  const announce = (ssrc: number) => (direction === 'sendonly' ? [`a=ssrc:${ssrc} cname:light`] : []);
  const simulcast = rids.length === 0 ? [] : ['a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid'];
  if (rids.length > 0) {
    simulcast.push('a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id');
    for (const rid of rids) simulcast.push(`a=rid:${rid} send`);
    simulcast.push(`a=simulcast:send ${rids.join(';')}`);
  }
  const lines = [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=group:BUNDLE 0 1',
    `m=audio 9 UDP/TLS/RTP/SAVPF ${LIGHT_AUDIO_PAYLOAD_TYPE}`,
    ...transport,
    'a=mid:0',
    `a=rtpmap:${LIGHT_AUDIO_PAYLOAD_TYPE} opus/48000/2`,
    ...announce(ssrcs.audio),
    `m=video 9 UDP/TLS/RTP/SAVPF ${LIGHT_VIDEO_PAYLOAD_TYPE}`,
    ...transport,
    'a=mid:1',
    `a=rtpmap:${LIGHT_VIDEO_PAYLOAD_TYPE} H264/90000`,
    `a=fmtp:${LIGHT_VIDEO_PAYLOAD_TYPE} level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f`,
    `a=rtcp-fb:${LIGHT_VIDEO_PAYLOAD_TYPE} nack`,
    `a=rtcp-fb:${LIGHT_VIDEO_PAYLOAD_TYPE} nack pli`,
    ...(rids.length === 0 ? announce(ssrcs.video) : simulcast),
  ];
  return `${lines.join('\r\n')}\r\n`;
}
