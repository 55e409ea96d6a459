import { createSocket, type RemoteInfo } from 'node:dgram';
import { isIPv6 } from 'node:net';

/** The UDP socket of one peer connection. */
export interface PeerSocket {
  readonly port: number;
  onDatagram(listener: (datagram: Buffer, from: RemoteInfo) => void): void;
  send(datagram: Buffer, to: RemoteInfo): void;
  /** Sends what was handed over before, then closes. */
  close(): Promise<void>;
}

/**
 * Binds a socket to any free port. Each peer connection has its own, since the receive buffer that the system grants a
 * socket holds 50 ms of 12 publishers, but half a second of one.
 *
 * @throws the system's error if `host` is not an address of this machine.
 */
export async function openPeerSocket(host: string): Promise<PeerSocket> {
  const family = isIPv6(host) ? 6 : 4;
  const socket = createSocket({
    type: `udp${family}`,
    // All addresses are numbers; the default look-up would put each packet off to the next tick to learn the same.
    lookup: (address, _options, found) => found(null, address, family),
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(0, host, () => {
      socket.off('error', reject);
      resolve();
    });
  });
  // A later error concerns one datagram (a peer's port that is closed): that datagram is lost, as any may be.
  socket.on('error', () => {});
  let closing: Promise<void> | undefined;
  return {
    port: socket.address().port,
    onDatagram: (listener) => void socket.on('message', listener),
    send(datagram, to) {
      if (closing === undefined) socket.send(datagram, to.port, to.address);
    },
    close() {
      closing ??= new Promise((resolve) => {
        socket.removeAllListeners('message');
        setImmediate(() => socket.close(resolve));
      });
      return closing;
    },
  };
}
