import type { RemoteInfo } from 'node:dgram';
import { createDtlsAssociation, type DtlsCertificate } from './dtls.ts';
import { answerBindingRequest, createIceCredentials, type IceCredentials } from './ice-lite.ts';
import type { PeerSocket } from './peer-socket.ts';
import { type RtcpPacket, readRtcp } from './rtcp.ts';
import type { RtpPacket } from './rtp.ts';
import type { ConnectionState } from './sfu.ts';
import { createSrtpReceiver, createSrtpSender, type SrtpReceiver, type SrtpSender } from './srtp.ts';

/** ICE-lite, DTLS and SRTP of one peer connection. */
export interface PeerTransport {
  readonly ice: IceCredentials;
  readonly port: number;
  readonly state: ConnectionState;
  onStateChange(listener: (state: ConnectionState) => void): () => void;
  /** Sent only while connected; lost while dark. */
  sendRtp(header: Buffer, payload: Buffer): void;
  /** Takes a compound RTCP packet; sent only while connected, lost while dark. */
  sendRtcp(packet: Buffer): void;
  /** Closes the connection if `silenceLimitMs` has passed; to be called a few times a second. */
  checkSilence(): void;
  close(): void;
  setDark(dark: boolean): void;
}

export interface PeerTransportOptions {
  readonly socket: PeerSocket;
  readonly certificate: DtlsCertificate;
  readonly peerFingerprint: { algorithm: string; value: string };
  /** A peer that was not heard for this long is gone; so is one that took this long to connect. */
  readonly silenceLimitMs: number;
  received(packet: RtpPacket): void;
  receivedRtcp(packets: RtcpPacket[]): void;
}

/** Makes the stage's end of a peer connection and waits for the peer. */
export function createPeerTransport(options: PeerTransportOptions): PeerTransport {
  const { socket, silenceLimitMs } = options;
  const ice = createIceCredentials();
  const listeners = new Set<(state: ConnectionState) => void>();
  let state: ConnectionState = 'connecting';
  let dark = false;
  let path: RemoteInfo | undefined;
  /** Where authentic binding requests came from: a client with several addresses may send from any of them. */
  const checked: RemoteInfo[] = [];
  const openedAt = performance.now();
  let heardAt = openedAt;
  let sender: SrtpSender | undefined;
  let receiver: SrtpReceiver | undefined;

  function enter(next: ConnectionState) {
    if (state === next || state === 'closed') return;
    state = next;
    if (next === 'closed') {
      dtls.close();
      void socket.close();
    }
    for (const listener of [...listeners]) listener(next);
    if (next === 'closed') listeners.clear();
  }
  function send(datagram: Buffer) {
    if (path !== undefined && !dark) socket.send(datagram, path);
  }

  const dtls = createDtlsAssociation(options.certificate, options.peerFingerprint, {
    send,
    connected(keys) {
      sender = createSrtpSender(keys.local);
      receiver = createSrtpReceiver(keys.remote);
      enter('connected');
    },
    closed: () => enter('closed'),
  });

  function isChecked(from: RemoteInfo): boolean {
    return checked.some(({ address, port }) => port === from.port && address === from.address);
  }
  function receiveStun(datagram: Buffer, from: RemoteInfo) {
    const answer = answerBindingRequest(datagram, from, ice);
    if (answer === undefined) return;
    heardAt = performance.now();
    if (path === undefined || answer.nominated) path = from;
    if (!isChecked(from)) checked.push(from);
    socket.send(answer.response, from);
  }
  function receiveRtp(datagram: Buffer) {
    const packet = receiver?.unprotectRtp(datagram);
    if (packet === undefined) return;
    heardAt = performance.now();
    options.received(packet);
  }
  function receiveRtcp(datagram: Buffer) {
    const compound = receiver?.unprotectRtcp(datagram);
    if (compound === undefined) return;
    heardAt = performance.now();
    options.receivedRtcp(readRtcp(compound));
  }
  socket.onDatagram((datagram, from) => {
    const [first, second] = datagram;
    if (dark || first === undefined || second === undefined) return;
    // RFC 7983: the first byte tells STUN, DTLS and RTP apart; RFC 5761: the second one RTP and RTCP.
    if (first < 4) receiveStun(datagram, from);
    else if (!isChecked(from)) return;
    else if (first >= 20 && first < 64) dtls.receive(datagram);
    else if (first < 128 || first >= 192) return;
    else if (second >= 192 && second < 224) receiveRtcp(datagram);
    else receiveRtp(datagram);
  });

  return {
    ice,
    port: socket.port,
    get state() {
      return state;
    },
    onStateChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    sendRtp(header, payload) {
      if (sender !== undefined && state === 'connected' && !dark) send(sender.protectRtp(header, payload));
    },
    sendRtcp(packet) {
      if (sender !== undefined && state === 'connected' && !dark) send(sender.protectRtcp(packet));
    },
    checkSilence() {
      const since = state === 'connecting' ? openedAt : heardAt;
      if (performance.now() - since > silenceLimitMs) enter('closed');
    },
    close: () => enter('closed'),
    setDark: (value) => {
      dark = value;
    },
  };
}
