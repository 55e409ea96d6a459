import type { RemoteInfo } from 'node:dgram';
import { createDtlsAssociation, type DtlsCertificate } from './dtls.ts';
import { answerBindingRequest, createIceCredentials, type IceCredentials } from './ice-lite.ts';
import { type RtcpPacket, readRtcp } from './rtcp.ts';
import type { RtpPacket } from './rtp.ts';
import type { ConnectionState } from './sfu.ts';
import { createSrtpReceiver, createSrtpSender, type SrtpReceiver, type SrtpSender } from './srtp.ts';
import type { MuxedPeer, UdpMux } from './udp-mux.ts';

/** A peer that was not heard for this long is gone. A browser sends at least a binding request every 2.5 s. */
const SILENCE_LIMIT_MS = 10_000;

/** ICE-lite, DTLS and SRTP of one peer connection. */
export interface PeerTransport {
  readonly ice: IceCredentials;
  readonly state: ConnectionState;
  onStateChange(listener: (state: ConnectionState) => void): () => void;
  /** Sent only while connected; lost while dark. */
  sendRtp(header: Buffer, payload: Buffer): void;
  /** Takes a compound RTCP packet. */
  sendRtcp(packet: Buffer): void;
  /** Closes the connection if the peer has fallen silent; to be called a few times a second. */
  checkSilence(): void;
  close(): void;
  setDark(dark: boolean): void;
}

export interface PeerTransportOptions {
  readonly mux: UdpMux;
  readonly certificate: DtlsCertificate;
  readonly peerFingerprint: { algorithm: string; value: string };
  received(packet: RtpPacket): void;
  receivedRtcp(packets: RtcpPacket[]): void;
}

/** Makes the stage's end of a peer connection and waits for the peer on the shared socket. */
export function createPeerTransport(options: PeerTransportOptions): PeerTransport {
  const { mux } = options;
  const ice = createIceCredentials();
  const listeners = new Set<(state: ConnectionState) => void>();
  let state: ConnectionState = 'connecting';
  let dark = false;
  let path: RemoteInfo | undefined;
  let heardAt = performance.now();
  let sender: SrtpSender | undefined;
  let receiver: SrtpReceiver | undefined;

  function enter(next: ConnectionState) {
    if (state === next || state === 'closed') return;
    state = next;
    if (next === 'closed') {
      dtls.close();
      mux.remove(peer);
    }
    for (const listener of [...listeners]) listener(next);
    if (next === 'closed') listeners.clear();
  }
  function send(datagram: Buffer) {
    if (path !== undefined && !dark) mux.send(datagram, path);
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

  const peer: MuxedPeer = {
    usernameFragment: ice.usernameFragment,
    receiveStun(datagram, from) {
      if (dark) return false;
      const answer = answerBindingRequest(datagram, from, ice);
      if (answer === undefined) return false;
      heardAt = performance.now();
      if (path === undefined || answer.nominated) path = from;
      mux.send(answer.response, from);
      return true;
    },
    receiveDtls(datagram) {
      if (!dark) dtls.receive(datagram);
    },
    receiveRtp(datagram) {
      if (dark) return;
      const packet = receiver?.unprotectRtp(datagram);
      if (packet === undefined) return;
      heardAt = performance.now();
      options.received(packet);
    },
    receiveRtcp(datagram) {
      if (dark) return;
      const compound = receiver?.unprotectRtcp(datagram);
      if (compound === undefined) return;
      heardAt = performance.now();
      options.receivedRtcp(readRtcp(compound));
    },
  };
  mux.add(peer);

  return {
    ice,
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
      if (performance.now() - heardAt > SILENCE_LIMIT_MS) enter('closed');
    },
    close: () => enter('closed'),
    setDark: (value) => {
      dark = value;
    },
  };
}
