import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { type StageServer, startStage } from './server.ts';
import { FakeSfu } from './testing/fake-sfu.ts';
import { EventsClient, makeFault, startLocalStage } from './testing/local-stage.ts';

/** Asks with a Host header of its own, which fetch does not allow. */
const statusUnderHost = (url: string, host: string) =>
  new Promise((resolve, reject) => {
    request(url, { headers: { host } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });

async function armedFaults({ controlUrl }: StageServer): Promise<number> {
  const { faults } = (await (await fetch(`${controlUrl}/faults`)).json()) as { faults: object[] };
  return faults.length;
}

describe('startStage', () => {
  test.each(['port', 'controlPort'] as const)(
    'names the %s that is taken, and leaves no port behind',
    async (option) => {
      const other = createServer();
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const { port } = other.address() as AddressInfo;
      const started = startStage({ port: 0, controlPort: 0, sfu: new FakeSfu(), [option]: port });
      await expect(started).rejects.toThrow(
        `Port ${port} is taken: stop what listens there, or give the local stage another ${option} (0: any).`,
      );
      other.close();
    },
  );

  test('ends every socket, peer connection and held request when it is closed', async () => {
    const stage = await startLocalStage();
    const { token, participantId } = await stage.token();
    const client = new EventsClient(stage, token);
    await client.next('STAGE_STATE');
    await makeFault(stage, { participantId, step: 'join', action: 'drop' });
    const held = new EventsClient(stage, token);
    while ((await armedFaults(stage)) > 0);
    await stage.sfu.publish('v=0\r\ns=offer\r\n');
    await stage.close();
    expect([await client.closed, await held.closed]).toEqual([1_006, 1_006]);
    expect(stage.sfu.publications.map(({ state }) => state)).toEqual(['closed']);
    await expect(fetch(stage.url)).rejects.toThrow('fetch failed');
    await expect(fetch(stage.controlUrl)).rejects.toThrow('fetch failed');
  });

  test('lets in loopback names only, against a page that rebinds its name to this machine', async () => {
    const stage = await startLocalStage();
    const hosts = ['localhost:4100', '127.0.0.1', '[::1]:4100', 'stage.example', 'localhost.example:4100'];
    expect(await Promise.all(hosts.map((host) => statusUnderHost(`${stage.url}/`, host)))).toEqual([
      200, 200, 200, 403, 403,
    ]);
    expect(await statusUnderHost(`${stage.controlUrl}/faults`, 'stage.example')).toBe(403);
    const { token } = await stage.token();
    const socket = new WebSocket(`${stage.url.replace('http', 'ws')}/events`, token, {
      headers: { host: 'stage.example' },
    });
    const status = await new Promise((resolve) =>
      socket.on('unexpected-response', (_, { statusCode }) => resolve(statusCode)),
    );
    expect(status).toBe(403);
    await stage.close();
  });

  test('answers 404 for what it does not have', async () => {
    const stage = await startLocalStage();
    expect((await fetch(`${stage.url}/nothing`)).status).toBe(404);
    await stage.close();
  });
});
