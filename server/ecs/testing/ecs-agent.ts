import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

const TASK_ARN = 'arn:aws:ecs:eu-west-1:123456789012:task/pool/158d1c8083dd49d6b527399fd6414f5c';

/** An answer in place of the usual one; `null`: none at all. */
export type Answer = { status: number; body: object | string } | null;

/** A server on loopback that speaks as the ECS agent does to the containers of a task. */
export class EcsAgent {
  /** The body of every request for protection, in order. */
  readonly asked: unknown[] = [];
  /** What the next requests are answered with. */
  readonly answers: Answer[] = [];
  isProtected = false;
  taskArn = TASK_ARN;
  #waiting: { count: number; resolve: () => void }[] = [];
  readonly #server = createServer(async (request, response) => {
    const isTask = request.url === '/v4/container/task';
    const body = isTask ? null : await readJson(request);
    if (!isTask) this.asked.push(body);
    const planned = this.answers.shift();
    if (planned === null) return this.#tell();
    const { status, body: text } = planned ?? {
      status: 200,
      body: isTask ? { Cluster: 'pool', TaskARN: this.taskArn, Family: 'vp' } : this.#protect(body),
    };
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(typeof text === 'string' ? text : JSON.stringify(text));
    this.#tell();
  });

  static async start(): Promise<EcsAgent> {
    const agent = new EcsAgent();
    await new Promise<void>((resolve) => agent.#server.listen(0, '127.0.0.1', resolve));
    return agent;
  }

  /** As ECS sets them in the container. */
  get environment() {
    return { ECS_AGENT_URI: `${this.#url}/api/container`, ECS_CONTAINER_METADATA_URI_V4: `${this.#url}/v4/container` };
  }

  /** Resolves once so many requests for protection were answered, from the beginning. */
  untilAsked(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push({ count, resolve });
      this.#tell();
    });
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }

  get #url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #protect(body: unknown): object {
    this.isProtected = (body as { ProtectionEnabled: boolean }).ProtectionEnabled;
    return { protection: { ExpirationDate: null, ProtectionEnabled: this.isProtected, TaskArn: this.taskArn } };
  }

  #tell(): void {
    for (const { count, resolve } of this.#waiting) if (this.asked.length >= count) resolve();
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  if (request.method !== 'PUT' || request.url !== '/api/container/task-protection/v1/state') {
    throw new Error(`The ECS agent has no ${request.method} ${request.url}.`);
  }
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return JSON.parse(text);
}
