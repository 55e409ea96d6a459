import type { Readable, Writable } from 'node:stream';
import type { ConnectionTransport } from 'puppeteer';

/**
 * Puppeteer's connection to a Chromium started with `--remote-debugging-pipe`: JSON messages, each ended by a zero byte, on two pipes.
 *
 * Pipes and not a port, since a port would let any program of this machine drive the page and read its token, and since Chromium ends
 * by itself when the pipes break: even a parent that died by SIGKILL leaves none behind.
 *
 * @param write - Chromium's file descriptor 3.
 * @param read - Chromium's file descriptor 4.
 */
export function pipeTransport(write: Writable, read: Readable): ConnectionTransport {
  const transport: ConnectionTransport = {
    send(message) {
      write.write(`${message}\0`);
    },
    close() {
      write.end();
    },
  };
  let parts: Buffer[] = [];
  read.on('data', (chunk: Buffer) => {
    let start = 0;
    for (let end = chunk.indexOf(0); end !== -1; end = chunk.indexOf(0, start)) {
      const message = Buffer.concat([...parts, chunk.subarray(start, end)]).toString('utf8');
      parts = [];
      start = end + 1;
      // One message a turn: a promise that one message settles runs its continuation before the next message.
      setImmediate(() => transport.onmessage?.(message));
    }
    parts.push(chunk.subarray(start));
  });
  read.once('close', () => transport.onclose?.());
  // A broken pipe is reported by the end of the process; without a listener it would end this one.
  write.on('error', () => {});
  read.on('error', () => {});
  return transport;
}
