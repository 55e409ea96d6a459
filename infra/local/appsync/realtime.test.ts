import { WebSocket } from 'ws';
import { MOST_SUBSCRIPTIONS } from './realtime/socket.ts';
import { DEFAULT_API_KEY } from './server.ts';
import { createTestClient, refusalOf, type TestClient } from './testing/client.ts';
import { makeAvailable, OWNER, STAGE_ARN, startControlPlane } from './testing/control-plane.ts';

const ALL = 'subscription All { onVirtualParticipantChanged { id status epoch version } }';
const ONE = 'subscription One($id: ID) { onVirtualParticipantChanged(id: $id) { id status } }';

let plane: Awaited<ReturnType<typeof startControlPlane>>;

beforeEach(async () => {
  plane = await startControlPlane();
});

afterEach(() => plane.close());

/** What a subscriber was told, without Apollo's own fields. */
function withoutTypename(delivery: { data: unknown; errors?: string[] }): unknown {
  return JSON.parse(JSON.stringify(delivery, (key, value) => (key === '__typename' ? undefined : value)));
}

describe('what a subscriber hears', () => {
  test('every change but the heartbeat reaches a subscription without argument, by API key and by IAM', async () => {
    const { caller, container } = plane;
    const watches = [caller.watch(ALL), container.watch(ALL)];
    await Promise.all(watches.map(({ ready }) => ready));
    await makeAvailable(container, 'vp-1');
    await container.heartbeat({ id: 'vp-1', owner: OWNER });
    await caller.invite({ stageArn: STAGE_ARN });
    await caller.kick({ id: 'vp-1' });
    for (const watch of watches) {
      const heard = [await watch.next(), await watch.next(), await watch.next(), await watch.next()];
      expect(heard.map(withoutTypename)).toEqual([
        { data: { id: 'vp-1', status: null, epoch: 0, version: 1 } },
        { data: { id: 'vp-1', status: 'AVAILABLE', epoch: 0, version: 2 } },
        { data: { id: 'vp-1', status: 'INVITED', epoch: 1, version: 3 } },
        { data: { id: 'vp-1', status: 'KICKED', epoch: 1, version: 4 } },
      ]);
      expect(watch.pending()).toBe(0);
    }
  });

  test('a change that is refused, or of another id, reaches nobody', async () => {
    const { caller, container } = plane;
    const watch = caller.watch(ONE, { id: 'vp-2' });
    await watch.ready;
    await makeAvailable(container, 'vp-1');
    await refusalOf(caller.invite({ stageArn: 'nowhere', id: 'vp-2' }));
    await container.register({ id: 'vp-2', owner: OWNER });
    expect(withoutTypename(await watch.next())).toEqual({ data: { id: 'vp-2', status: null } });
    expect(watch.pending()).toBe(0);
  });

  test('a subscriber that selects only id gets only id', async () => {
    const watch = plane.caller.watch('subscription { onVirtualParticipantChanged { id } }');
    await watch.ready;
    await plane.container.register({ id: 'vp-1', owner: OWNER });
    expect(withoutTypename(await watch.next())).toEqual({ data: { id: 'vp-1' } });
  });

  test('what the caller of the mutation did not select is null to the subscriber', async () => {
    const { caller, container } = plane;
    const watch = caller.watch(ALL);
    await watch.ready;
    await container.register({ id: 'vp-1', owner: OWNER }, 'id vp: version');
    expect(withoutTypename(await watch.next())).toEqual({
      data: { id: 'vp-1', status: null, epoch: null, version: 1 },
    });
  });

  test('a mutation that does not select id is an error to the subscriber, and not for its filter', async () => {
    const { caller, container } = plane;
    const all = caller.watch(ALL);
    const one = caller.watch(ONE, { id: 'vp-1' });
    await Promise.all([all.ready, one.ready]);
    await container.register({ id: 'vp-1', owner: OWNER }, 'status');
    await container.report({ id: 'vp-1', owner: OWNER, epoch: 0, status: 'AVAILABLE' }, 'id status');
    expect(await all.next()).toEqual({
      data: null,
      errors: ['Cannot return null for non-nullable field VirtualParticipant.id.'],
    });
    expect(withoutTypename(await one.next())).toEqual({ data: { id: 'vp-1', status: 'AVAILABLE' } });
    expect(one.pending()).toBe(0);
  });

  test.each([
    ['null', { id: null }],
    ['a variable that is not provided', {}],
  ])('%s as filter is not "all": it matches nobody', async (_, variables) => {
    const { caller, container } = plane;
    const none = caller.watch(ONE, variables);
    const all = caller.watch(ALL);
    await Promise.all([none.ready, all.ready]);
    await makeAvailable(container, 'vp-1');
    await all.next();
    await all.next();
    expect(none.pending()).toBe(0);
  });
});

describe('who is refused', () => {
  async function firstOf(client: TestClient, document: string): Promise<unknown> {
    const delivery = await client.watch(document).next();
    client.stop();
    return delivery;
  }

  test('a subscription with a wrong key is refused at once, with errorCode 401', async () => {
    const stranger = createTestClient(plane.api.url, { apiKey: 'da2-wrong' });
    expect(await firstOf(stranger, ALL)).toEqual({ data: null, errors: ['Connection failed: UnauthorizedException'] });
  });

  test('a subscription signed with a wrong secret is refused', async () => {
    const credentials = { accessKeyId: 'local', secretAccessKey: 'wrong' };
    const stranger = createTestClient(plane.api.url, { credentials });
    expect(await firstOf(stranger, ALL)).toEqual({
      data: null,
      errors: ['Connection failed: InvalidSignatureException'],
    });
  });

  test('a document that does not fit the schema ends that subscription alone', async () => {
    const { caller, container } = plane;
    const watch = caller.watch(ALL);
    await watch.ready;
    const { errors } = await caller.watch('subscription { onVirtualParticipantChanged { nonsense } }').next();
    expect(errors).toEqual([expect.stringContaining('Cannot query field')]);
    await container.register({ id: 'vp-1', owner: OWNER });
    expect(withoutTypename(await watch.next())).toMatchObject({ data: { id: 'vp-1' } });
  });
});

describe('the protocol', () => {
  /** A raw connection, and a function that gives the next message. */
  async function connect(header: object) {
    const encoded = Buffer.from(JSON.stringify(header)).toString('base64url');
    const socket = new WebSocket(plane.api.realtimeUrl, ['graphql-ws', `header-${encoded}`]);
    const messages: unknown[] = [];
    const waiting: ((message: unknown) => void)[] = [];
    socket.on('message', (data) => {
      const message: unknown = JSON.parse(String(data));
      const taker = waiting.shift();
      if (taker) taker(message);
      else messages.push(message);
    });
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return {
      socket,
      send: (message: object) => socket.send(JSON.stringify(message)),
      next: () =>
        messages.length > 0 ? Promise.resolve(messages.shift()) : new Promise((resolve) => waiting.push(resolve)),
    };
  }

  const host = () => new URL(plane.api.url).host;
  const authorization = () => ({ host: host(), 'x-api-key': DEFAULT_API_KEY });
  const start = (id: string, query: string) => ({
    id,
    type: 'start',
    payload: { data: JSON.stringify({ query }), extensions: { authorization: authorization() } },
  });

  test('connection_init is answered by connection_ack and at once by ka', async () => {
    const { send, next, socket } = await connect(authorization());
    send({ type: 'connection_init' });
    expect([await next(), await next()]).toEqual([
      { type: 'connection_ack', payload: { connectionTimeoutMs: 300_000 } },
      { type: 'ka' },
    ]);
    socket.terminate();
  });

  test('an unauthorized handshake is answered by connection_error only after connection_init', async () => {
    const { send, next } = await connect({ host: host(), 'x-api-key': 'da2-wrong' });
    send(start('1', ALL));
    send({ type: 'connection_init' });
    expect([await next(), await next()]).toEqual([
      {
        id: '1',
        type: 'error',
        payload: {
          errors: [
            {
              errorType: 'UnauthorizedException',
              message: 'You are not authorized to make this call.',
              errorCode: 401,
            },
          ],
        },
      },
      {
        type: 'connection_error',
        payload: {
          errors: [
            {
              errorType: 'UnauthorizedException',
              message: 'You are not authorized to make this call.',
              errorCode: 401,
            },
          ],
        },
      },
    ]);
  });

  test.each([
    ['a query', () => start('1', '{ getVirtualParticipant(id: "vp-1") { id } }'), '1', 'query'],
    ['an unknown type', () => ({ type: 'nonsense' }), undefined, 'unknown'],
  ])('%s is an unsupported operation, errorCode 400', async (_, message, id, what) => {
    const { send, next, socket } = await connect(authorization());
    send(message());
    expect(await next()).toEqual({
      ...(id && { id }),
      type: 'error',
      payload: {
        errors: [
          {
            errorType: 'UnsupportedOperation',
            message: `${what} not supported through the realtime channel`,
            errorCode: 400,
          },
        ],
      },
    });
    socket.terminate();
  });

  test('a start signed for another host, or without authorization, is refused', async () => {
    const { send, next, socket } = await connect(authorization());
    const foreign = { host: 'example.com', 'x-api-key': DEFAULT_API_KEY };
    send({ ...start('1', ALL), payload: { data: '{}', extensions: { authorization: foreign } } });
    send({ ...start('2', ALL), payload: { data: '{}' } });
    expect([await next(), await next()]).toEqual([
      expect.objectContaining({ id: '1', type: 'error' }),
      expect.objectContaining({ id: '2', type: 'error' }),
    ]);
    socket.terminate();
  });

  test('the subscription after the last one allowed is refused, and one that stops makes room', async () => {
    const { send, next, socket } = await connect(authorization());
    for (let id = 1; id <= MOST_SUBSCRIPTIONS + 1; id += 1) send(start(`${id}`, ALL));
    for (let id = 1; id <= MOST_SUBSCRIPTIONS; id += 1)
      expect(await next()).toEqual({ id: `${id}`, type: 'start_ack' });
    expect(await next()).toMatchObject({
      id: '101',
      type: 'error',
      payload: { errors: [{ errorType: 'MaxSubscriptionsReachedError' }] },
    });
    send({ id: '7', type: 'stop' });
    send(start('102', ALL));
    expect([await next(), await next()]).toEqual([
      { id: '7', type: 'complete' },
      { id: '102', type: 'start_ack' },
    ]);
    socket.terminate();
  });
});

describe('when it fails', () => {
  test('a restart ends the subscription, keeps what is stored, and takes a new one on the same port', async () => {
    const { api, caller, container } = plane;
    const watch = caller.watch(ALL);
    await watch.ready;
    await makeAvailable(container, 'vp-1');
    await watch.next();
    await watch.next();
    await api.goDown();
    expect(await watch.next()).toEqual({ data: null, errors: ['Connection closed'] });
    await expect(caller.get('vp-1')).rejects.toThrow('fetch failed');
    await api.comeUp();
    const again = caller.watch(ALL);
    await again.ready;
    await caller.invite({ stageArn: STAGE_ARN });
    expect(withoutTypename(await again.next())).toMatchObject({ data: { id: 'vp-1', status: 'INVITED' } });
  });

  test('silent, it answers nothing and tells nothing, and connections stay', async () => {
    const { api, caller, container } = plane;
    const watch = caller.watch(ALL);
    await watch.ready;
    api.goSilent();
    const unanswered = fetch(api.url, { method: 'POST', signal: AbortSignal.timeout(100) });
    await expect(unanswered).rejects.toThrow('aborted due to timeout');
    expect(api.connectionCount()).toBe(1);
    api.speakAgain();
    await container.register({ id: 'vp-1', owner: OWNER });
    expect(withoutTypename(await watch.next())).toMatchObject({ data: { id: 'vp-1' } });
  });

  test('cut connections end their subscriptions, while requests are answered', async () => {
    const { api, caller } = plane;
    const watch = caller.watch(ALL);
    await watch.ready;
    api.cutConnections();
    expect(await watch.next()).toEqual({ data: null, errors: ['Connection closed'] });
    expect(await caller.get('vp-1')).toBeNull();
  });

  test('refusing, it answers 401 to all and refuses new subscriptions, until it admits again', async () => {
    const { api, caller } = plane;
    api.refuseAll();
    await expect(caller.get('vp-1')).rejects.toMatchObject({ statusCode: 401 });
    expect(await caller.watch(ALL).next()).toEqual({
      data: null,
      errors: ['Connection failed: UnauthorizedException'],
    });
    api.admitAgain();
    expect(await caller.get('vp-1')).toBeNull();
  });
});
