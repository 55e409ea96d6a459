import { connect } from 'node:net';
import type { ParticipantActor } from '../../machines/participant.ts';
import { CloseCode, LIMITS } from '../../machines/protocol.ts';
import { serveWebSocketApi, type WebSocketApi, type WebSocketApiOptions } from './server.ts';
import { TestClient, type TestClientOptions } from './testing/test-client.ts';
import { invite, startTestParticipant, TOKEN } from './testing/test-participant.ts';

const ORIGIN = 'http://localhost:3000';
const READY = { type: 'vp.ready' };
const SUBSCRIBE = { type: 'vp.subscribe_vp' };

const actors: ParticipantActor[] = [];
const apis: WebSocketApi[] = [];
const clients: TestClient[] = [];

async function serve(options: Partial<WebSocketApiOptions> = {}) {
  const actor = startTestParticipant();
  actors.push(actor);
  const api = await serveWebSocketApi({ actor, port: 0, origins: [ORIGIN], allowNoOrigin: true, ...options });
  apis.push(api);
  const open = async (clientOptions?: TestClientOptions) => {
    const client = await TestClient.open(api.url, clientOptions);
    clients.push(client);
    return client;
  };
  return { actor, api, open };
}

afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(apis.splice(0).map((api) => api.close()));
  for (const actor of actors.splice(0)) actor.stop();
});

describe('the WebSocket API lets in', () => {
  it('its page, and a program', async () => {
    const { open, api } = await serve();
    const [page, program] = [await open({ origin: ORIGIN }), await open()];
    program.say(READY, SUBSCRIBE);
    page.say({ ...READY, pageId: 'a' }, SUBSCRIBE);
    await Promise.all([page.status('available'), program.status('available')]);
    expect([api.counters.accepted, api.connections(), await program.closed]).toEqual([2, 2, CloseCode.REPLACED]);
  });

  it.each([
    ['another Origin', { origin: 'https://evil.example' }, { HOST: 0, ORIGIN: 1, SECRET: 0 }],
    ['another Host', { headers: { host: 'evil.example:3001' } }, { HOST: 1, ORIGIN: 0, SECRET: 0 }],
    ['another secret', { protocols: ['bm9uZQ'] }, { HOST: 0, ORIGIN: 0, SECRET: 1 }],
  ])('nobody with %s', async (_what, options, refused) => {
    const { api } = await serve({ secret: 'c2VjcmV0' });
    const client = new TestClient(api.url, options);
    expect([await client.refused, api.counters.refused, api.counters.accepted]).toEqual([403, refused, 0]);
  });

  it('the page by its secret, which it selects, and others as watchers', async () => {
    const { open, actor } = await serve({ secret: 'c2VjcmV0' });
    const [watcher, page] = [await open(), await open({ protocols: ['c2VjcmV0'] })];
    watcher.say(READY, SUBSCRIBE);
    await watcher.status('available');
    page.say(READY, SUBSCRIBE);
    await page.status('available');
    invite(actor, 1);
    const [told, seen] = await Promise.all([page.status('invited'), watcher.status('invited')]);
    expect([page.socket.protocol, told.metadata.participantToken, seen.metadata.participantToken]).toEqual([
      'c2VjcmV0',
      TOKEN,
      undefined,
    ]);
  });

  it('nobody without the WebSocket protocol', async () => {
    const { api } = await serve();
    const response = await fetch(api.url.replace('ws:', 'http:'));
    expect([response.status, await response.text()]).toEqual([426, 'This is a WebSocket server.\n']);
  });
});

/** The server hears of a close after its client does; the deadline is the test's. */
async function untilGone(api: WebSocketApi): Promise<void> {
  while (api.connections() > 0) await new Promise(setImmediate);
}

describe('a message', () => {
  it('of the greatest length is read, and a longer one closes the connection', async () => {
    const { open, api } = await serve();
    const client = await open();
    client.say('x'.repeat(LIMITS.maxMessageBytes));
    expect(await client.first(1)).toEqual([{ type: 'error', error: 'A message must be JSON.', code: 'NOT_JSON' }]);
    client.say('x'.repeat(LIMITS.maxMessageBytes + 1));
    expect(await client.closed).toBe(CloseCode.MESSAGE_TOO_BIG);
    await untilGone(api);
    expect(api.counters.closed.MESSAGE_TOO_BIG).toBe(1);
  });

  it('of a megabyte closes the connection, and no other', async () => {
    const { open } = await serve();
    const [client, other] = [await open(), await open()];
    client.say('x'.repeat(1_048_576));
    expect(await client.closed).toBe(CloseCode.MESSAGE_TOO_BIG);
    other.say(SUBSCRIBE);
    await other.status('available');
  });

  it('that breaks the WebSocket protocol closes the connection with the code of that protocol', async () => {
    const { open, api } = await serve();
    const client = await open();
    client.socket.send(Buffer.from([0xc3, 0x28]), { binary: false });
    expect(await client.closed).toBe(1_007);
    await untilGone(api);
    expect(api.counters.closed.BY_CLIENT).toBe(1);
  });

  it('may be one of ten thousand at once: its connection is closed, and a new one is served at once', async () => {
    const { open, api } = await serve();
    const flood = await open();
    flood.say(...Array.from({ length: 10_000 }, () => '{"type":"vp.dance"}'));
    expect(await flood.closed).toBe(CloseCode.TOO_MANY_MESSAGES);
    const startedAtMs = performance.now();
    const client = await open();
    client.say(SUBSCRIBE);
    await client.status('available');
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
    expect([flood.messages.length, api.counters.errors.UNKNOWN_TYPE, api.counters.errors.RATE_LIMITED]).toEqual([
      LIMITS.maxMessagesPerSecond + LIMITS.rateErrorsBeforeClose,
      LIMITS.maxMessagesPerSecond,
      LIMITS.rateErrorsBeforeClose,
    ]);
  });
});

describe('a client', () => {
  it('that answers no ping is cut off, and one that does is not', async () => {
    const { open, api } = await serve({ pingIntervalMs: 50 });
    const [silent, alive] = [await open({ autoPong: false }), await open()];
    expect(await silent.closed).toBe(1006);
    alive.say(SUBSCRIBE);
    await alive.status('available');
    expect([api.connections(), api.counters.closed.NOT_ALIVE]).toEqual([1, 1]);
  });

  it('that goes is counted as gone by itself', async () => {
    const { open, api } = await serve();
    const client = await open();
    client.socket.close(1000);
    await client.closed;
    expect([api.counters.closed.BY_CLIENT, api.connections()]).toEqual([1, 0]);
  });
});

describe('closing the API', () => {
  it('tells every client that the server goes away', async () => {
    const { open, api } = await serve();
    const [one, other] = [await open(), await open()];
    await api.close();
    expect([await one.closed, await other.closed, api.counters.closed.GOING_AWAY]).toEqual([
      CloseCode.GOING_AWAY,
      CloseCode.GOING_AWAY,
      2,
    ]);
  });

  it('takes less than a second with a client that does not answer, one that never spoke, and twice', async () => {
    const { open, api } = await serve();
    const mute = await open();
    mute.socket.pause();
    const idle = connect(Number(new URL(api.url).port), '127.0.0.1');
    idle.on('error', () => {});
    await new Promise((resolve) => idle.once('connect', resolve));
    const startedAtMs = performance.now();
    await Promise.all([api.close(), api.close()]);
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
    idle.destroy();
  });
});

describe('a port', () => {
  it('that is taken is named with its setting', async () => {
    const { api } = await serve();
    const port = new URL(api.url).port;
    await expect(serveWebSocketApi({ actor: startTestParticipant(), port: Number(port), origins: [] })).rejects.toThrow(
      `WEBSOCKET_PORT: port ${port} of 127.0.0.1 is taken. Stop what uses it, or choose another one (0: any free one).`,
    );
  });
});
