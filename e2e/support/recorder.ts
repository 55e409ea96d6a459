import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Stands before the local stage's API. */
export interface Recorder {
  readonly url: string;
  /** The operations that were called, in their order. */
  readonly calls: string[];
  close(): void;
}

/** Passes each call on to the local stage, and notes which it was. */
export async function startRecorder(target: string): Promise<Recorder> {
  const calls: string[] = [];
  const recorder = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    calls.push((request.url ?? '').slice(1));
    const { status, headers, body } = await fetch(`${target}${request.url}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: Buffer.concat(chunks),
    }).then(async (answer) => ({ status: answer.status, headers: answer.headers, body: await answer.text() }));
    const errorType = headers.get('x-amzn-errortype');
    response.writeHead(status, {
      'content-type': 'application/json',
      ...(errorType && { 'x-amzn-errortype': errorType }),
    });
    response.end(body);
  });
  await new Promise<void>((resolve) => recorder.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(recorder.address() as AddressInfo).port}`,
    calls,
    close() {
      recorder.close();
      recorder.closeAllConnections();
    },
  };
}
