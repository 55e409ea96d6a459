import { randomBytes } from 'node:crypto';
import { readRtcp, writeSenderReport } from '../../infra/local/stage/sfu/rtcp.ts';
import { writeRtpHeader } from '../../infra/local/stage/sfu/rtp.ts';
import type { SrtpProfile } from '../../infra/local/stage/sfu/srtp.ts';
import {
  connectLightPeer,
  LIGHT_AUDIO_PAYLOAD_TYPE,
  LIGHT_VIDEO_PAYLOAD_TYPE,
  type LightPeer,
} from '../../infra/local/stage/sfu/testing/light-peer.ts';

export interface LightClientOptions {
  /** The WHIP or WHEP endpoint. */
  url: string;
  /** Bearer token. */
  token: string;
  /** Default: AES-GCM, else AES-CM with HMAC-SHA1. */
  srtpProfiles?: SrtpProfile[];
}

/** One media stream as a light client sees it. */
export interface LightCounters {
  packets: number;
  bytes: number;
}

interface LightSession {
  /** From the POST to the end of the DTLS handshake. */
  readonly connectMs: number;
  /** The resource that the stage made, from its `Location`. */
  readonly resourceUrl: string;
  readonly srtpProfile: SrtpProfile;
  /** Fulfilled when the stage has ended the peer connection. */
  readonly ended: Promise<void>;
  /** Deletes the resource, then stops. */
  close(): Promise<void>;
  /** Stops without telling the stage. */
  vanish(): Promise<void>;
}

export interface LightPublisher extends LightSession {
  sent(): { audio: LightCounters; video: LightCounters; keyFrames: number };
  heard(): { receiverReports: number; keyFrameRequests: number };
}

export interface LightSubscriber extends LightSession {
  received(): { audio: LightReceived; video: LightReceived & { frames: number } };
}

export interface LightReceived extends LightCounters {
  /** Packets that never came, by the gaps in the sequence numbers. */
  lost: number;
}

const REQUEST_TIMEOUT_MS = 5_000;

/** Publishes pre-made H.264 and Opus packets over WHIP: 30 pictures a second at the given bitrate, 50 audio packets. */
export async function publishLight(
  options: LightClientOptions & { videoBitsPerSecond?: number },
): Promise<LightPublisher> {
  const { peer, session } = await connect(options, 'sendonly');
  const media = sendMedia(peer, options.videoBitsPerSecond ?? 2_500_000);
  void session.ended.then(media.stop);
  return {
    ...session,
    sent: media.sent,
    heard: media.heard,
    close: () => {
      media.stop();
      return session.close();
    },
    vanish: () => {
      media.stop();
      return session.vanish();
    },
  };
}

/** Subscribes over WHEP and counts what comes. */
export async function subscribeLight(options: LightClientOptions): Promise<LightSubscriber> {
  const { peer, session } = await connect(options, 'recvonly');
  const audio = countPackets();
  const video = countPackets();
  let frames = 0;
  peer.onRtp(({ ssrc, sequenceNumber, marker, payload }) => {
    if (ssrc === peer.ssrcs.audio) audio.count(sequenceNumber, payload.length);
    if (ssrc !== peer.ssrcs.video) return;
    video.count(sequenceNumber, payload.length);
    if (marker) frames += 1;
  });
  return { ...session, received: () => ({ audio: audio.counters(), video: { ...video.counters(), frames } }) };
}

async function connect({ url, token, srtpProfiles }: LightClientOptions, direction: 'sendonly' | 'recvonly') {
  const startedAt = performance.now();
  let resourceUrl = '';
  const authorization = `Bearer ${token}`;
  const peer = await connectLightPeer({
    direction,
    ...(srtpProfiles !== undefined && { srtpProfiles }),
    async exchange(offerSdp) {
      const response = await fetch(url, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/sdp' },
        body: offerSdp,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      const body = await response.text();
      if (response.status !== 201) throw new Error(`POST ${url}: expected 201, got ${response.status}: ${body}`);
      resourceUrl = new URL(response.headers.get('location') ?? '', url).href;
      return body;
    },
  });
  const session: LightSession = {
    connectMs: performance.now() - startedAt,
    resourceUrl,
    srtpProfile: peer.srtpProfile,
    ended: peer.ended,
    async close() {
      const signal = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
      const response = await fetch(resourceUrl, { method: 'DELETE', headers: { authorization }, signal });
      await response.body?.cancel();
      await peer.close();
    },
    vanish: peer.close,
  };
  return { peer, session };
}

const FRAMES_PER_SECOND = 30;
const VIDEO_PAYLOAD_BYTES = 1_100;
const AUDIO_PAYLOAD_BYTES = 160;
const VIDEO_CLOCK_RATE = 90_000;
const AUDIO_CLOCK_RATE = 48_000;
const AUDIO_PACKETS_PER_SECOND = 50;
const PACING_MS = 10;
/** A process that was held up drops pictures, as an encoder does, and does not flood the stage with all of them. */
const CATCH_UP_LIMIT_MS = 100;
/** Seconds from 1900 (NTP) to 1970. */
const NTP_EPOCH_OFFSET = 2_208_988_800;

/** FU-A fragments of an IDR picture or of another one; the content is noise, which nobody decodes. */
function fragmentOf(bytes: number, idr: boolean, first: boolean, last: boolean): Buffer {
  const payload = randomBytes(bytes);
  payload.writeUInt8(0x7c, 0);
  payload.writeUInt8((first ? 0x80 : 0) | (last ? 0x40 : 0) | (idr ? 5 : 1), 1);
  return payload;
}

function sendMedia(peer: LightPeer, videoBitsPerSecond: number) {
  const { audio: audioSsrc, video: videoSsrc } = peer.ssrcs;
  const packetsPerFrame = videoBitsPerSecond / 8 / FRAMES_PER_SECOND / VIDEO_PAYLOAD_BYTES;
  const audioPayload = randomBytes(AUDIO_PAYLOAD_BYTES);
  const fragments = [false, true].map((idr) => ({
    first: fragmentOf(VIDEO_PAYLOAD_BYTES, idr, true, false),
    middle: fragmentOf(VIDEO_PAYLOAD_BYTES, idr, false, false),
    last: fragmentOf(VIDEO_PAYLOAD_BYTES, idr, false, true),
  }));
  const audio = { packets: 0, bytes: 0 };
  const video = { packets: 0, bytes: 0 };
  const heard = { receiverReports: 0, keyFrameRequests: 0 };
  let frames = 0;
  let keyFrames = 0;
  let keyFrameWanted = true;
  let reports = 0;

  peer.onRtcp((compound) => {
    for (const packet of readRtcp(compound)) {
      if (packet.type === 'receiver report' && packet.reports.length > 0) heard.receiverReports += 1;
      if (packet.type !== 'key frame request') continue;
      heard.keyFrameRequests += 1;
      keyFrameWanted = true;
    }
  });

  function sendFrame() {
    const timestamp = frames * (VIDEO_CLOCK_RATE / FRAMES_PER_SECOND);
    frames += 1;
    const idr = keyFrameWanted;
    keyFrameWanted = false;
    if (idr) keyFrames += 1;
    const set = fragments[idr ? 1 : 0];
    if (set === undefined) return;
    const count = Math.max(2, Math.round(frames * packetsPerFrame) - Math.round((frames - 1) * packetsPerFrame));
    for (let index = 0; index < count; index += 1) {
      const marker = index === count - 1;
      const payload = index === 0 ? set.first : marker ? set.last : set.middle;
      const header = writeRtpHeader(LIGHT_VIDEO_PAYLOAD_TYPE, marker, video.packets & 0xffff, timestamp, videoSsrc);
      peer.sendRtp(header, payload);
      video.packets += 1;
      video.bytes += payload.length;
    }
  }
  function sendAudio() {
    const timestamp = audio.packets * (AUDIO_CLOCK_RATE / AUDIO_PACKETS_PER_SECOND);
    const header = writeRtpHeader(LIGHT_AUDIO_PAYLOAD_TYPE, false, audio.packets & 0xffff, timestamp, audioSsrc);
    peer.sendRtp(header, audioPayload);
    audio.packets += 1;
    audio.bytes += audioPayload.length;
  }
  function sendReports(elapsedS: number) {
    const seconds = Date.now() / 1_000 + NTP_EPOCH_OFFSET;
    const ntp = { seconds: Math.floor(seconds), fraction: Math.floor((seconds % 1) * 2 ** 32) };
    const videoTime = Math.round(elapsedS * VIDEO_CLOCK_RATE);
    const audioTime = Math.round(elapsedS * AUDIO_CLOCK_RATE);
    peer.sendRtcp(writeSenderReport(videoSsrc, ntp, videoTime, video, 'light'));
    peer.sendRtcp(writeSenderReport(audioSsrc, ntp, audioTime, audio, 'light'));
  }

  let elapsedS = 0;
  let pacedAt = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    elapsedS += Math.min(now - pacedAt, CATCH_UP_LIMIT_MS) / 1_000;
    pacedAt = now;
    while (frames < elapsedS * FRAMES_PER_SECOND) sendFrame();
    while (audio.packets < elapsedS * AUDIO_PACKETS_PER_SECOND) sendAudio();
    if (reports >= elapsedS) return;
    reports += 1;
    sendReports(elapsedS);
  }, PACING_MS);
  return {
    stop: () => clearInterval(timer),
    sent: () => ({ audio: { ...audio }, video: { ...video }, keyFrames }),
    heard: () => ({ ...heard }),
  };
}

function countPackets() {
  let packets = 0;
  let bytes = 0;
  let first: number | undefined;
  let highest = 0;
  return {
    count(sequenceNumber: number, length: number) {
      packets += 1;
      bytes += length;
      if (first === undefined) {
        first = sequenceNumber;
        highest = sequenceNumber;
        return;
      }
      const ahead = (sequenceNumber - highest) & 0xffff;
      if (ahead < 0x8000) highest += ahead;
    },
    counters: () => ({ packets, bytes, lost: first === undefined ? 0 : highest - first + 1 - packets }),
  };
}
