/** A WebSocket to nowhere: the test says when it opens and closes. */
export class FakeSocket {
  static readonly OPEN = 1;
  /** All that were made, in order. */
  static made: FakeSocket[] = [];

  readonly url: string;
  readonly protocols: readonly string[];
  /** What was sent while it was open. */
  readonly sent: string[] = [];
  readyState = 0;
  bufferedAmount = 0;
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;

  constructor(url: string, protocols: readonly string[]) {
    this.url = url;
    this.protocols = protocols;
    FakeSocket.made.push(this);
  }

  send(text: string): void {
    if (this.readyState !== FakeSocket.OPEN) throw new DOMException('Still in CONNECTING state', 'InvalidStateError');
    this.sent.push(text);
  }

  close(): void {
    this.readyState = 2;
  }

  /** The server has let it in. */
  open(): void {
    this.readyState = FakeSocket.OPEN;
    this.onopen?.();
  }

  /** The connection is gone, or never stood. */
  end(): void {
    this.readyState = 3;
    this.onclose?.();
  }
}
