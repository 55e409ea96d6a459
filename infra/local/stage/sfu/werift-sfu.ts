import {
  type MediaStreamTrack,
  RTCPeerConnection,
  RTCRtpCodecParameters,
  RTCRtpHeaderExtensionParameters,
  type RtpPacket,
} from 'werift';
import {
  type ConnectionState,
  type MediaCounters,
  OfferError,
  type Publication,
  type Sfu,
  type Subscription,
} from './sfu.ts';

export interface SfuOptions {
  /** The IPv4 address that the SFU binds and puts in its candidates. Default: 127.0.0.1. */
  host?: string;
}

/** Makes an SFU; its sockets are opened by the first `publish` or `subscribe`. */
export function createSfu({ host = '127.0.0.1' }: SfuOptions = {}): Sfu {
  const sessions = new Set<{ close(): void }>();

  async function answer(offerSdp: string, bitrate: boolean, prepare: (peer: RTCPeerConnection) => void) {
    const peer = new RTCPeerConnection({
      codecs: {
        audio: [new RTCRtpCodecParameters({ mimeType: 'audio/opus', clockRate: 48_000, channels: 2 })],
        video: [new RTCRtpCodecParameters({ mimeType: 'video/H264', clockRate: 90_000 })],
      },
      headerExtensions: {
        audio: [],
        video: [
          new RTCRtpHeaderExtensionParameters({ uri: 'urn:ietf:params:rtp-hdrext:sdes:mid' }),
          new RTCRtpHeaderExtensionParameters({ uri: 'urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id' }),
        ],
      },
      iceServers: [],
      iceUseIpv6: false,
      iceInterfaceAddresses: { udp4: host },
      iceAdditionalHostAddresses: [host],
    });
    let answerSdp: string;
    try {
      prepare(peer);
      await peer.setRemoteDescription({ type: 'offer', sdp: narrowOffer(offerSdp) });
      await peer.setLocalDescription(await peer.createAnswer());
      answerSdp = peer.localDescription?.sdp ?? '';
    } catch (error) {
      void peer.close();
      throw new OfferError(`offer: ${error instanceof Error ? error.message : String(error)}`);
    }
    answerSdp = answerSdp
      .split('\r\n')
      .filter((line) => !line.startsWith('a=candidate:') || line.includes(` ${host} `))
      .map((line) =>
        bitrate && line.includes('packetization-mode')
          ? `${line};x-google-start-bitrate=2500;x-google-min-bitrate=1500;x-google-max-bitrate=4000`
          : line,
      )
      .join('\r\n');

    let state: ConnectionState = 'connecting';
    const listeners = new Set<(state: ConnectionState) => void>();
    const enter = (next: ConnectionState) => {
      if (state === next || state === 'closed') return;
      state = next;
      if (next === 'closed') {
        sessions.delete(session);
        void peer.close();
      }
      for (const listener of [...listeners]) listener(next);
    };
    peer.connectionStateChange.subscribe((next) => {
      if (next === 'connected') enter('connected');
      if (next === 'failed' || next === 'closed' || next === 'disconnected') enter('closed');
    });
    const session = {
      answerSdp,
      get state() {
        return state;
      },
      onStateChange(listener: (state: ConnectionState) => void) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
      async addCandidates() {},
      close: () => enter('closed'),
      setDark(dark: boolean) {
        for (const { dtlsTransport } of peer.getTransceivers()) {
          const { connection } = dtlsTransport.iceTransport;
          connection.send = dark ? async () => {} : Object.getPrototypeOf(connection).send;
        }
      },
    };
    sessions.add(session);
    return { peer, session };
  }

  return {
    async publish(offerSdp) {
      const counters = { audio: { packets: 0, bytes: 0 }, video: { packets: 0, bytes: 0, frames: 0 } };
      const tracks = new Map<string, MediaStreamTrack>();
      const { peer, session } = await answer(offerSdp, true, (peer) => {
        peer.onRemoteTransceiverAdded.subscribe((transceiver) => {
          transceiver.onTrack.subscribe((track) => {
            if (track.rid !== undefined && track.rid !== 'hi') return;
            tracks.set(track.kind, track);
            const counter: MediaCounters = track.kind === 'video' ? counters.video : counters.audio;
            track.onReceiveRtp.subscribe((packet) => {
              counter.packets += 1;
              counter.bytes += packet.payload.length;
              if (track.kind === 'video' && packet.header.marker) counters.video.frames += 1;
              for (const forward of forwards) forward(track.kind, packet);
            });
          });
        });
      });
      const forwards = new Set<(kind: string, packet: RtpPacket) => void>();
      const publication: WeriftPublication = Object.assign(session, {
        forwards,
        requestKeyFrame() {
          const ssrc = tracks.get('video')?.ssrc;
          const receiver = peer.getTransceivers().find(({ kind }) => kind === 'video')?.receiver;
          if (ssrc !== undefined) void receiver?.sendRtcpPLI(ssrc);
        },
        stats: () => ({ audio: { ...counters.audio }, video: { ...counters.video, codec: 'video/H264' } }),
      });
      return publication;
    },

    async subscribe(publication, offerSdp) {
      const source = publication as WeriftPublication;
      const { peer, session } = await answer(offerSdp, false, (peer) => {
        peer.addTransceiver('audio', { direction: 'sendonly' });
        peer.addTransceiver('video', { direction: 'sendonly' });
      });
      const senders = new Map(peer.getTransceivers().map(({ kind, sender }) => [String(kind), sender]));
      senders.get('video')?.onPictureLossIndication.subscribe(() => source.requestKeyFrame());
      const forward = (kind: string, packet: RtpPacket) => void senders.get(kind)?.sendRtp(packet.clone());
      session.onStateChange((state) => {
        if (state === 'closed') source.forwards.delete(forward);
        if (state !== 'connected') return;
        source.forwards.add(forward);
        source.requestKeyFrame();
      });
      const subscription: Subscription = Object.assign(session, { publication });
      return subscription;
    },

    async close() {
      for (const session of [...sessions]) session.close();
    },
  };
}

interface WeriftPublication extends Publication {
  readonly forwards: Set<(kind: string, packet: RtpPacket) => void>;
  requestKeyFrame(): void;
}

/** Leaves one H264 and Opus in the offer and no transport-wide congestion control. */
function narrowOffer(sdp: string): string {
  const lines = sdp.split(/\r?\n/);
  const h264 = lines
    .filter((line) => line.startsWith('a=fmtp:') && line.includes('packetization-mode=1'))
    .sort((a, b) => Number(b.includes('42e01f')) - Number(a.includes('42e01f')))[0];
  const wanted = new Set([
    h264?.match(/^a=fmtp:(\d+)/)?.[1],
    lines.find((line) => /^a=rtpmap:\d+ opus/i.test(line))?.match(/\d+/)?.[0],
  ]);
  return lines
    .filter((line) => {
      const payloadType = line.match(/^a=(?:rtpmap|fmtp|rtcp-fb):(\d+)/)?.[1];
      return (
        (payloadType === undefined || wanted.has(payloadType)) &&
        !line.includes('transport-cc') &&
        !line.includes('transport-wide-cc')
      );
    })
    .join('\r\n');
}
