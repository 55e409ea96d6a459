import type { DisconnectRequest, Ivs, PreparedToken, TokenRequest } from '../ivs.ts';

/** What was asked of a {@link FakeIvs}. */
export type IvsCall =
  | ({ operation: 'prepareToken' } & TokenRequest)
  | ({ operation: 'disconnect' } & DisconnectRequest)
  | { operation: 'warm'; stageArn: string };

/**
 * IVS without AWS, for tests. Tokens are `token-1`, `token-2`, ..., of `participant-1`, ...; each call is kept in `calls`.
 */
export class FakeIvs implements Ivs {
  readonly calls: IvsCall[] = [];
  /** What the next calls reject with; `null`: they succeed. */
  failure: Error | null = null;
  /** Whether `disconnect` says that the stage is gone. */
  isStageGone = false;
  isClosed = false;
  #hold: { released: Promise<void>; release: () => void } | null = null;
  #tokens = 0;

  /** Lets calls wait until {@link release}; a signal ends the wait of its call. */
  hold(): void {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    this.#hold = { released, release };
  }

  release(): void {
    this.#hold?.release();
    this.#hold = null;
  }

  async prepareToken(request: TokenRequest, signal: AbortSignal): Promise<PreparedToken> {
    await this.#answer({ operation: 'prepareToken', ...request }, signal);
    this.#tokens += 1;
    return { participantToken: `token-${this.#tokens}`, participantId: `participant-${this.#tokens}` };
  }

  async disconnect(request: DisconnectRequest, signal: AbortSignal): Promise<'disconnected' | 'was not there'> {
    await this.#answer({ operation: 'disconnect', ...request }, signal);
    return this.isStageGone ? 'was not there' : 'disconnected';
  }

  async warm(stageArn: string, signal: AbortSignal): Promise<void> {
    await this.#answer({ operation: 'warm', stageArn }, signal);
  }

  close(): void {
    this.isClosed = true;
  }

  async #answer(call: IvsCall, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    this.calls.push(call);
    const aborted = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
    });
    await Promise.race([this.#hold?.released, aborted]);
    if (this.failure !== null) throw this.failure;
  }
}
