import type { WebSocket } from 'ws';
import type { Admitted } from '../admission.ts';
import type { Fault, Target } from '../control/faults.ts';
import type { Clock } from '../model/clock.ts';
import type { Hold } from '../model/participant.ts';
import { type ClientMessage, parseClientMessage, type StageMessage, stringifyStageMessage } from './messages.ts';

export interface ConnectionOptions {
  readonly admitted: Admitted;
  readonly traceId: string;
  readonly hold: Hold;
  readonly clock: Clock;
  /** Sends the present state, to a client that may have missed some. */
  readonly resend: (connection: Connection) => void;
}

/** One open events socket. The test control can hold up, lose or end what goes over it. */
export class Connection implements Target {
  admitted: Admitted;
  /** Names the SDK's session: it keeps it when it opens the socket again by itself, and no other page has it. */
  readonly traceId: string;
  /** Whether the stage ended it, so that its end does not say that the participant wants to go. */
  endedByStage = false;
  readonly #socket: WebSocket;
  readonly #hold: Hold;
  readonly #clock: Clock;
  readonly #resend: () => void;
  #dropsAll = false;
  #delayMs = 0;

  constructor(socket: WebSocket, { admitted, traceId, hold, clock, resend }: ConnectionOptions) {
    this.#socket = socket;
    this.admitted = admitted;
    this.traceId = traceId;
    this.#hold = hold;
    this.#clock = clock;
    this.#resend = () => resend(this);
  }

  get participantId(): string {
    return this.admitted.identity.participantId;
  }

  onMessage(listener: (message: ClientMessage) => void): void {
    this.#socket.on('message', (data) => {
      const message = this.#dropsAll ? undefined : parseClientMessage(String(data));
      if (message !== undefined) listener(message);
    });
  }

  send(message: StageMessage): void {
    this.sendText(stringifyStageMessage(message));
  }

  /** Sends a message that was made into text before, once for many sockets. */
  sendText(text: string): void {
    if (this.#dropsAll) return;
    if (this.#delayMs > 0) this.#clock.after(this.#delayMs, () => this.#socket.send(text, ignoreFailure));
    else this.#socket.send(text, ignoreFailure);
  }

  /** Tells the client why it is off the stage, and closes. */
  disconnect(code: string, reason: string): void {
    this.endedByStage = true;
    this.send({ type: 'aws:ivs:DISCONNECT', payload: { code, reason } });
    this.#socket.close(1_000);
  }

  /** Lets go of the participant; see {@link Hold.release}. */
  release(graceMs: number): void {
    this.#hold.release(graceMs);
  }

  strike({ action, delayMs = 0, code = 'UNKNOWN' }: Fault): (() => void) | undefined {
    switch (action) {
      case 'cut':
        this.terminate();
        return undefined;
      case 'refuse':
        this.disconnect(code, 'Asked for by the test control.');
        return undefined;
      case 'drop':
        this.#dropsAll = true;
        return () => {
          this.#dropsAll = false;
          this.#resend();
        };
      case 'delay':
        this.#delayMs = delayMs;
        return () => {
          this.#delayMs = 0;
        };
    }
  }

  /** Ends the TCP connection without a word. */
  terminate(): void {
    this.endedByStage = true;
    this.#socket.terminate();
  }
}

/** A socket that closes while something is sent on it is told of by its `close` event. */
const ignoreFailure = (): void => undefined;
