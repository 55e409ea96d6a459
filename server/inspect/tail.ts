import { WebSocket } from 'ws';
import type { Inspection } from '../../machines/inspection.ts';
import { TransitionLines } from './transition-lines.ts';

const HELP = `Usage: npx tsx server/inspect/tail.ts [url]

Prints the transitions of both state machines, live, of a virtual participant that runs with INSPECT=1.
  url   where its inspection events are; default ws://127.0.0.1:3002`;

const CONNECT_TIMEOUT_MS = 5_000;

function main([url = 'ws://127.0.0.1:3002', ...more]: string[]): void {
  if (url.startsWith('-') || more.length > 0) {
    console.log(HELP);
    return;
  }
  if (!/^wss?:\/\//.test(url) || !URL.canParse(url)) {
    throw new Error(`url: expected an address such as ws://127.0.0.1:3002, got ${url}.`);
  }
  const lines = new TransitionLines();
  const socket = new WebSocket(url, { handshakeTimeout: CONNECT_TIMEOUT_MS });
  socket.on('message', (data) => {
    const line = lines.lineOf(JSON.parse(String(data)) as Inspection);
    if (line !== null) console.log(line);
  });
  socket.on('open', () => socket.on('close', (code) => console.error(`The stream ended (${code}).`)));
  socket.on('error', ({ message }) => fail(`There are no inspection events at ${url} (${message}). Is INSPECT=1 set?`));
}

function fail(message: string): void {
  console.error(message);
  process.exitCode = 1;
}

try {
  main(process.argv.slice(2));
} catch (error) {
  fail(error instanceof Error ? error.message : String(error));
}
