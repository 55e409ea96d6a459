import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An answer that is not a success, as the AWS JSON protocol 1.1 gives it. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

export type Input = Readonly<Record<string, unknown>>;

/** A service of the AWS JSON protocol on loopback, that the AWS SDK finds by `AWS_ENDPOINT_URL_<SERVICE>`. */
export interface JsonService {
  readonly url: string;
  /** The next call of this operation fails, before or after it has done what it does. */
  fail(operation: string, when: 'before' | 'after'): void;
  close(): Promise<void>;
}

export async function startJsonService(operations: Readonly<Record<string, (input: Input) => object>>) {
  const failures = new Map<string, 'before' | 'after'>();

  function answer(operation: string, input: Input): object {
    const run = operations[operation];
    if (run === undefined) throw new ServiceError('UnknownOperationException', `There is no operation ${operation}.`);
    const failure = failures.get(operation);
    failures.delete(operation);
    // A type that the SDK does not try again.
    const error = new ServiceError('AccessDeniedException', `${operation} was told to fail.`);
    if (failure === 'before') throw error;
    const answered = run(input);
    if (failure === 'after') throw error;
    return answered;
  }

  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const operation = String(request.headers['x-amz-target']).split('.')[1] ?? '';
    response.setHeader('content-type', 'application/x-amz-json-1.1');
    try {
      response.end(JSON.stringify(answer(operation, JSON.parse(Buffer.concat(chunks).toString('utf8')))));
    } catch (error) {
      response.statusCode = error instanceof ServiceError ? 400 : 500;
      const type = error instanceof ServiceError ? error.type : 'InternalServiceError';
      response.end(JSON.stringify({ __type: type, message: error instanceof Error ? error.message : 'unknown' }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const service: JsonService = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fail: (operation, when) => failures.set(operation, when),
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
  return service;
}
