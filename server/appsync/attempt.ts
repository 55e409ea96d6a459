import { AsyncLocalStorage } from 'node:async_hooks';
import { WebSocket } from 'ws';

const attempts = new AsyncLocalStorage<Attempt | undefined>();

/**
 * One try to subscribe. Whatever the subscription link does inside {@link Attempt.run} belongs to it: its sockets end
 * with it, and its timers (15 s per connection, 5 min after the last keep-alive, neither cleared by the link when a
 * connection is lost) do not hold the process.
 */
export class Attempt {
  readonly #sockets = new Set<WebSocket>();
  #isOver = false;
  #problem: string | null = null;

  get isOver(): boolean {
    return this.#isOver;
  }

  /** What the last socket said went wrong, as the link does not tell it. */
  get problem(): string | null {
    return this.#problem;
  }

  run(action: () => void): void {
    install();
    attempts.run(this, action);
  }

  hold(socket: WebSocket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', (error) => {
      this.#problem = error.message;
    });
  }

  /** Resolves when no socket is left, within {@link CLOSE_TIMEOUT_MS}; from now on the link gets no new one. */
  async end(): Promise<void> {
    this.#isOver = true;
    await Promise.all(
      [...this.#sockets].map((socket) => {
        const closed = new Promise((resolve) => socket.once('close', resolve));
        socket.close(1_000);
        return closed;
      }),
    );
  }
}

/** Runs `action` outside of any attempt: its timers are ordinary ones again. */
export function outside<T>(action: () => T): T {
  return attempts.run(undefined, action);
}

/** For the peer to answer the end of a connection, in milliseconds. */
export const CLOSE_TIMEOUT_MS = 1_000;
const SOCKET_OPTIONS = { handshakeTimeout: 10_000, closeTimeout: CLOSE_TIMEOUT_MS, perMessageDeflate: false };

class LinkSocket extends WebSocket {
  constructor(url: string, protocols: string[]) {
    const attempt = attempts.getStore();
    // The link tries handshakes again by itself, unless it meets an error with this property.
    if (attempt?.isOver) throw Object.assign(new Error('This attempt is over.'), { nonRetryable: true });
    super(url, protocols, SOCKET_OPTIONS);
    attempt?.hold(this);
  }
}

let unheld: typeof setTimeout | null = null;

/**
 * Gives the subscription link what it takes from the global object: a `WebSocket`, which Node 20 has not, and a
 * `setTimeout` whose timers do not hold the process when they were set inside an attempt. All else is as before.
 */
function install(): void {
  if (!Object.is(globalThis.WebSocket, LinkSocket)) Object.assign(globalThis, { WebSocket: LinkSocket });
  if (globalThis.setTimeout === unheld) return;
  const plain = globalThis.setTimeout;
  const wrapper = (...args: Parameters<typeof setTimeout>): NodeJS.Timeout => {
    const timer = plain(...args);
    return attempts.getStore() ? timer.unref() : timer;
  };
  unheld = Object.defineProperties(wrapper as typeof setTimeout, Object.getOwnPropertyDescriptors(plain));
  globalThis.setTimeout = unheld;
}
