import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

const HOST = '127.0.0.1';
const TARGET = 'AmazonEC2ContainerServiceV20141113.';

export interface LocalService {
  desiredCount: number;
  /** ECS: ACTIVE, DRAINING while it is being deleted, INACTIVE after that. */
  status: 'ACTIVE' | 'DRAINING' | 'INACTIVE';
}

/** A running local ECS: the control API alone, as far as the pool's scaler calls it. No task is ever run. */
export interface EcsServer {
  /** For `AWS_ENDPOINT_URL_ECS`. */
  readonly url: string;
  /** The services by `cluster/service`. Tests change them as they like. */
  readonly services: Map<string, LocalService>;
  /** Every call that was answered, as `Operation` with its input. */
  readonly calls: { operation: string; input: Record<string, unknown> }[];
  /** The next `times` calls are answered with this error of the API. */
  failNext(times: number, type: string, status?: number): void;
  close(): Promise<void>;
}

/** An error of the API, as it goes to the caller. */
class EcsError extends Error {
  override readonly name = 'EcsError';
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status = 400) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

/** Starts the local ECS on any free port of loopback. */
export async function startEcs(): Promise<EcsServer> {
  const services: EcsServer['services'] = new Map();
  const calls: EcsServer['calls'] = [];
  const failures: EcsError[] = [];
  const server = createServer(async (request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
      response.end(JSON.stringify(body));
    };
    const target = String(request.headers['x-amz-target']);
    const operation = target.startsWith(TARGET) ? target.slice(TARGET.length) : target;
    const input = JSON.parse(await readText(request));
    try {
      const failure = failures.shift();
      if (failure) throw failure;
      calls.push({ operation, input });
      answer(200, carryOut(services, operation, input));
    } catch (error) {
      if (!(error instanceof EcsError)) throw error;
      answer(error.status, { __type: error.type, message: error.message });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}`,
    services,
    calls,
    failNext(times, type, status = 400) {
      for (let left = times; left > 0; left -= 1) failures.push(new EcsError(type, 'As asked for.', status));
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function readText(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

function carryOut(services: Map<string, LocalService>, operation: string, input: Record<string, unknown>): object {
  const nameOf = (service: unknown) => `${input['cluster']}/${service}`;
  switch (operation) {
    case 'DescribeServices': {
      const asked = input['services'] as string[];
      const isKnown = (name: string) => services.has(nameOf(name));
      return {
        services: asked.filter(isKnown).map((name) => describe(name, services.get(nameOf(name)))),
        failures: asked.filter((name) => !isKnown(name)).map((arn) => ({ arn, reason: 'MISSING' })),
      };
    }
    case 'UpdateService': {
      const name = String(input['service']);
      const service = services.get(nameOf(name));
      if (!service) throw new EcsError('ServiceNotFoundException', 'Service not found.');
      if (service.status !== 'ACTIVE') throw new EcsError('ServiceNotActiveException', 'Service was not ACTIVE.');
      service.desiredCount = Number(input['desiredCount']);
      return { service: describe(name, service) };
    }
    default:
      throw new EcsError('InvalidAction', `The local ECS has no ${operation}.`);
  }
}

function describe(serviceName: string, service: LocalService | undefined) {
  return { serviceName, ...service };
}
