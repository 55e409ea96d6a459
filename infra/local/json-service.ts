import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

const HOST = '127.0.0.1';

/** An answer that is not a success, as the AWS JSON protocol 1.1 gives it. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly type: string;
  readonly status: number;

  constructor(type: string, message: string, status = 400) {
    super(message);
    this.type = type;
    this.status = status;
  }
}

export type Input = Readonly<Record<string, unknown>>;

/** What each operation of a service answers. It throws {@link ServiceError}. */
export type JsonOperations = Readonly<Record<string, (input: Input) => object>>;

/** A service of the AWS JSON protocol on loopback, that the AWS SDK finds by `AWS_ENDPOINT_URL_<SERVICE>`. */
export interface JsonService {
  readonly url: string;
  /** Every call that was carried out. */
  readonly calls: readonly { readonly operation: string; readonly input: Input }[];
  /**
   * The next call of this operation fails, before or after it has done what it does.
   *
   * @param times - how many calls in a row. Default: 1
   * @param type - of the error. Default: `AccessDeniedException`, which the SDK does not try again
   */
  fail(operation: string, when: 'before' | 'after', times?: number, type?: string): void;
  close(): Promise<void>;
}

interface Fault {
  when: 'before' | 'after';
  times: number;
  type: string;
}

/** Starts a service on any free port of loopback. */
export async function startJsonService(operations: JsonOperations): Promise<JsonService> {
  const faults = new Map<string, Fault>();
  const calls: { operation: string; input: Input }[] = [];

  function answer(operation: string, input: Input): object {
    const run = operations[operation];
    if (run === undefined) throw new ServiceError('UnknownOperationException', `There is no operation ${operation}.`);
    const fault = faults.get(operation);
    if (fault !== undefined && --fault.times === 0) faults.delete(operation);
    const error = fault && new ServiceError(fault.type, `${operation} was told to fail.`);
    if (error && fault.when === 'before') throw error;
    calls.push({ operation, input });
    const answered = run(input);
    if (error) throw error;
    return answered;
  }

  const server = createServer(async (request, response) => {
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    try {
      response.end(JSON.stringify(answer(operation, JSON.parse(await readText(request)))));
    } catch (error) {
      const { type, status, message } =
        error instanceof ServiceError ? error : new ServiceError('InternalServiceError', String(error), 500);
      response.statusCode = status;
      response.end(JSON.stringify({ __type: type, message }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}`,
    calls,
    fail(operation, when, times = 1, type = 'AccessDeniedException') {
      faults.set(operation, { when, times, type });
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
