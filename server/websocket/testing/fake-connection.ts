import type { ServerMessage } from '../../../machines/protocol.ts';
import type { CloseReason, Connection } from '../connection.ts';

/** A connection to nowhere, which keeps what was done to it. */
export class FakeConnection implements Connection {
  readonly sent: ServerMessage[] = [];
  readonly closes: CloseReason[] = [];

  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }

  close(reason: CloseReason): void {
    this.closes.push(reason);
  }
}
