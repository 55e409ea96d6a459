import { WebSocket } from 'ws';
import type { StageMessage } from '../events/messages.ts';
import { type StageOptions, type StageServer, startStage } from '../server.ts';
import { FAKE_OFFER, FakeSfu } from './fake-sfu.ts';

/** How long a test waits for a message of the stage; on loopback it takes a few milliseconds. */
const MESSAGE_TIMEOUT_MS = 3_000;

/** A stage service of a test's own, with a fake SFU, and one stage on it. */
export interface LocalStage extends StageServer {
  readonly sfu: FakeSfu;
  readonly arn: string;
  /** Calls an operation of the REST API and gives its answer's body. */
  call<Answer>(operation: string, request: object): Promise<Answer>;
  /** A participant token made by `CreateParticipantToken`. */
  token(request?: object): Promise<{ token: string; participantId: string }>;
}

export async function startLocalStage(options: StageOptions = {}): Promise<LocalStage> {
  const sfu = new FakeSfu();
  const server = await startStage({ port: 0, controlPort: 0, sfu, ...options });
  async function call<Answer>(operation: string, request: object): Promise<Answer> {
    const response = await fetch(`${server.url}/${operation}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    return (await response.json()) as Answer;
  }
  const { stage } = await call<{ stage: { arn: string } }>('CreateStage', { name: 'test' });
  return {
    ...server,
    sfu,
    arn: stage.arn,
    call,
    async token(request = {}) {
      const answer = await call<{ participantToken: { token: string; participantId: string } }>(
        'CreateParticipantToken',
        { stageArn: stage.arn, ...request },
      );
      return answer.participantToken;
    },
  };
}

/** Asks the test control for a fault. */
export async function makeFault({ controlUrl }: StageServer, fault: object): Promise<Response> {
  return fetch(`${controlUrl}/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fault),
  });
}

/** Sends an offer to a path of the stage, as a WHIP or WHEP client does. */
export async function offer(
  { url }: StageServer,
  path: string,
  token: string,
  init: { body?: string; headers?: Record<string, string>; method?: string } = {},
): Promise<Response> {
  return fetch(new URL(path, url), {
    method: 'POST',
    body: init.method === 'DELETE' ? null : FAKE_OFFER,
    ...init,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/sdp', ...init.headers },
  });
}

/** An events socket as the IVS SDK opens it. Keeps every message, so that a test misses none. */
export class EventsClient {
  readonly messages: StageMessage[] = [];
  readonly socket: WebSocket;
  /** Settles with the close code. */
  readonly closed: Promise<number>;
  #wake: () => void = () => undefined;

  constructor(
    { url }: StageServer,
    token: string,
    { traceId = 'trace-1', errorOverWs = true }: { traceId?: string; errorOverWs?: boolean } = {},
  ) {
    const query = new URLSearchParams({ traceid: traceId, ...(errorOverWs && { error_over_ws: '1' }) });
    this.socket = new WebSocket(`${url.replace('http', 'ws')}/events?${query}`, token);
    this.socket.on('message', (data) => {
      this.messages.push(JSON.parse(String(data)) as StageMessage);
      this.#wake();
    });
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => this.socket.on('close', resolve));
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  /** Ends the connection without a word, as a lost network does. */
  break(): void {
    this.socket.terminate();
  }

  /** The first message, of those that have come and those to come, that fits. */
  async next<Type extends StageMessage['type']>(
    type: Type,
    fits: (message: Extract<StageMessage, { type: Type }>) => boolean = () => true,
  ): Promise<Extract<StageMessage, { type: Type }>> {
    const isOfType = (one: StageMessage): one is Extract<StageMessage, { type: Type }> => one.type === type;
    const deadlineMs = Date.now() + MESSAGE_TIMEOUT_MS;
    for (;;) {
      const found = this.messages.filter(isOfType).find(fits);
      if (found !== undefined) return found;
      const leftMs = deadlineMs - Date.now();
      if (leftMs <= 0)
        throw new Error(`No fitting ${type} in ${MESSAGE_TIMEOUT_MS} ms; ${JSON.stringify(this.messages)}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  /** The first state whose participants' ids are these. */
  async stateOf(...ids: string[]) {
    const { payload } = await this.next(
      'STAGE_STATE',
      ({ payload }) => payload.participants.map(({ id }) => id).join() === ids.join(),
    );
    return payload.participants;
  }
}
