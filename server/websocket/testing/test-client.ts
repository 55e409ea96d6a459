import { type ClientOptions, WebSocket } from 'ws';
import type { ServerMessage } from '../../../machines/protocol.ts';

/** How long a test waits for a message or an end; on loopback both take a few milliseconds. */
const TIMEOUT_MS = 5_000;

export interface TestClientOptions extends ClientOptions {
  protocols?: string[];
}

/** A client of the WebSocket API that keeps every message, so that a test misses none. */
export class TestClient {
  readonly messages: ServerMessage[] = [];
  readonly socket: WebSocket;
  /** Settles with the close code. */
  readonly closed: Promise<number>;
  /** Settles with the HTTP status of a refusal; never if the client is let in. */
  readonly refused: Promise<number>;
  #wake: () => void = () => {};

  constructor(url: string, { protocols = [], ...options }: TestClientOptions = {}) {
    this.socket = new WebSocket(url, protocols, options);
    this.socket.on('message', (data) => {
      this.messages.push(JSON.parse(String(data)));
      this.#wake();
    });
    this.socket.on('error', () => {});
    this.closed = new Promise((resolve) => this.socket.on('close', resolve));
    this.refused = new Promise((resolve) => {
      this.socket.on('unexpected-response', (request, { statusCode = 0 }) => {
        resolve(statusCode);
        request.destroy();
      });
    });
  }

  /** Connects, and resolves when the connection stands. */
  static async open(url: string, options?: TestClientOptions): Promise<TestClient> {
    const client = new TestClient(url, options);
    await new Promise<void>((resolve, reject) => {
      client.socket.once('open', resolve);
      client.socket.once('close', () => reject(new Error(`${url} was closed before it was open.`)));
    });
    return client;
  }

  /** Sends objects as JSON, and texts as they are. */
  say(...messages: (object | string)[]): void {
    for (const message of messages) {
      this.socket.send(typeof message === 'string' ? message : JSON.stringify(message));
    }
  }

  /** The first so many messages, once they have come. */
  async first(count: number): Promise<ServerMessage[]> {
    await this.#until(`${count} messages`, () => this.messages.length >= count);
    return this.messages.slice(0, count);
  }

  /** The newest update, once it says `status`. */
  async status(status: string): Promise<Extract<ServerMessage, { type: 'vp.update' }>> {
    let found: ServerMessage | undefined;
    await this.#until(`the status ${status}`, () => {
      found = this.messages.findLast(({ type }) => type === 'vp.update');
      return found?.type === 'vp.update' && found.status === status;
    });
    return found as Extract<ServerMessage, { type: 'vp.update' }>;
  }

  close(): void {
    this.socket.terminate();
  }

  async #until(what: string, holds: () => boolean): Promise<void> {
    const deadlineMs = Date.now() + TIMEOUT_MS;
    while (!holds()) {
      const leftMs = deadlineMs - Date.now();
      if (leftMs <= 0) throw new Error(`No ${what} in ${TIMEOUT_MS} ms; ${JSON.stringify(this.messages.slice(-20))}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
