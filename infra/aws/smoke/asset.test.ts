import '../../local/quiet-aws-sdk.ts';

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { uploadTestCard } from './asset.ts';

const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

test('The test card is put into the bucket under a name of its own, and deleted from there', async () => {
  const requests: { method: string | undefined; path: string | undefined; sha256: string }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    requests.push({ method: request.method, path: request.url?.split('?')[0], sha256: sha256(Buffer.concat(chunks)) });
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const before = { ...process.env };
  Object.assign(process.env, {
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
  });
  try {
    const asset = await uploadTestCard('eu-west-1', 'assets');
    await asset.delete();
    const path = asset.name.replace('s3:/', '');
    expect(path).toMatch(/^\/assets\/smoke-[0-9a-f-]{36}\/counter\.mp4$/);
    expect(requests).toEqual([
      { method: 'PUT', path, sha256: sha256(await readFile('assets/counter.mp4')) },
      { method: 'DELETE', path, sha256: sha256(Buffer.alloc(0)) },
    ]);
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});
