import { createSocket, type RemoteInfo } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { readTargetUsernameFragment } from './ice-lite.ts';

/** A peer connection's end of the shared socket. */
export interface MuxedPeer {
  /** The peer's binding requests name it. */
  readonly usernameFragment: string;
  /** @returns whether the datagram is authentic, which binds its source address to this peer. */
  receiveStun(datagram: Buffer, from: RemoteInfo): boolean;
  receiveDtls(datagram: Buffer): void;
  receiveRtp(datagram: Buffer): void;
  receiveRtcp(datagram: Buffer): void;
}

/** One UDP socket for all peer connections: a binding request finds its peer by name, all else by the address it came from. */
export interface UdpMux {
  readonly port: number;
  add(peer: MuxedPeer): void;
  remove(peer: MuxedPeer): void;
  send(datagram: Buffer, to: RemoteInfo): void;
  close(): Promise<void>;
}

/** A second of 12 publishers fits, should the process be held up that long. */
const RECEIVE_BUFFER_BYTES = 4_000_000;

/**
 * Binds the socket.
 *
 * @throws the system's error if `host` is not an address of this machine or `port` is taken.
 */
export async function openUdpMux(host: string, port: number): Promise<UdpMux> {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  const byName = new Map<string, MuxedPeer>();
  const byAddress = new Map<string, MuxedPeer>();

  socket.on('message', (datagram, from) => {
    const [first, second] = datagram;
    if (first === undefined || second === undefined) return;
    const address = `${from.address}:${from.port}`;
    // RFC 7983: the first byte tells STUN, DTLS and RTP apart; RFC 5761: the second one RTP and RTCP.
    if (first < 4) {
      const peer = byName.get(readTargetUsernameFragment(datagram) ?? '');
      if (peer?.receiveStun(datagram, from) === true) byAddress.set(address, peer);
      return;
    }
    const peer = byAddress.get(address);
    if (peer === undefined) return;
    if (first >= 20 && first < 64) peer.receiveDtls(datagram);
    else if (first >= 128 && first < 192) {
      if (second >= 192 && second < 224) peer.receiveRtcp(datagram);
      else peer.receiveRtp(datagram);
    }
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, host, () => {
      socket.off('error', reject);
      resolve();
    });
  });
  // A later error concerns one datagram (a peer's port that is closed): that datagram is lost, as any may be.
  socket.on('error', () => {});
  socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  let open = true;
  return {
    port: socket.address().port,
    add: (peer) => void byName.set(peer.usernameFragment, peer),
    remove(peer) {
      byName.delete(peer.usernameFragment);
      for (const [address, owner] of byAddress) if (owner === peer) byAddress.delete(address);
    },
    send(datagram, to) {
      if (open) socket.send(datagram, to.port, to.address);
    },
    async close() {
      if (!open) return;
      open = false;
      await new Promise<void>((resolve) => socket.close(resolve));
    },
  };
}
