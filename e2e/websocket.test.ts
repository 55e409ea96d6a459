import { once } from 'node:events';
import { createServer } from 'node:net';
import { CloseCode } from '../machines/protocol.ts';
import { TestClient } from '../server/websocket/testing/test-client.ts';
import { openLinkedPage, openViewer, type ParticipantPage, type ViewerPage } from './support/pages.ts';
import { type System, startSystem } from './support/system.ts';
import { type Cable, type DevServer, runDevServer, startCable, startDevServer } from './support/websocket-server.ts';

/** The messages of the requirements, as they stand there. */
const READY = '{\n  "type": "vp.ready"\n}';
const SUBSCRIBE = '{\n  "type": "vp.subscribe_vp"\n}';
const JOINED = '{\n  "type": "vp.joined_stage",\n  "stageArn": "STAGE_ARN",\n  "participantId": "PARTICIPANT_ID"\n}';
const LEFT = '{\n  "type": "vp.left_stage"\n}';
const ERROR = '{\n  "type": "vp.error",\n  "error": "ERROR_DESCRIPTION"\n}';

const TIMESTAMP = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
const update = (status: string, epoch: number, metadata: object = {}) => ({
  type: 'vp.update',
  status,
  metadata: { timestamp: TIMESTAMP, epoch, ...metadata },
});

/** What was printed, but for what npx itself may say. */
const linesOf = (output: string) => output.split('\n').filter((line) => line !== '' && !line.startsWith('npm '));

const clients: TestClient[] = [];
async function open(url: string, options?: Parameters<typeof TestClient.open>[1]): Promise<TestClient> {
  const client = await TestClient.open(url, options);
  clients.push(client);
  return client;
}
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});

describe('The development server without a token', () => {
  let server: DevServer;
  beforeAll(async () => {
    server = await startDevServer({ PAGE_PORT: '3456' });
  });
  afterAll(() => server.stop('SIGKILL'));

  it('tells who subscribes that the participant is available, and nobody else', async () => {
    const [subscriber, other] = [await open(server.url), await open(server.url)];
    subscriber.say(READY, SUBSCRIBE);
    expect(await subscriber.first(1)).toEqual([update('available', 0)]);
    other.say('?');
    expect(await other.first(1)).toEqual([{ type: 'error', error: 'A message must be JSON.', code: 'NOT_JSON' }]);
  });

  it('takes every message of the requirements, as it stands there', async () => {
    const client = await open(server.url);
    client.say(READY, SUBSCRIBE, JOINED, ERROR, LEFT, '?');
    const [last] = (await client.first(4)).slice(3);
    expect([client.messages.map(({ type }) => type), last]).toEqual([
      ['vp.update', 'vp.update', 'vp.update', 'error'],
      { type: 'error', error: 'A message must be JSON.', code: 'NOT_JSON' },
    ]);
    // A page that joined a stage to which nobody had invited it was asked to leave, and left.
    expect(client.messages.slice(0, 3)).toEqual([
      update('available', 0),
      update('kicked', 0, { reason: 'NOT_INVITED' }),
      update('available', 0, { reason: 'NOT_INVITED' }),
    ]);
    await server.untilPrinted('ERROR_DESCRIPTION');
  });

  it.each([
    ['text that is no JSON', 'hello', 'NOT_JSON'],
    ['an empty text', '', 'NOT_JSON'],
    ['half of a message', READY.slice(0, 10), 'NOT_JSON'],
    ['a list', '[{"type":"vp.ready"}]', 'NOT_AN_OBJECT'],
    ['null', 'null', 'NOT_AN_OBJECT'],
    ['a number', '7', 'NOT_AN_OBJECT'],
    ['an object without a type', '{}', 'INVALID_FIELD'],
    ['a type that is no text', '{"type":7}', 'INVALID_FIELD'],
    ['an unknown type', '{"type":"vp.dance"}', 'UNKNOWN_TYPE'],
    ['a type that every object has', '{"type":"constructor"}', 'UNKNOWN_TYPE'],
    ['a message of the server', '{"type":"vp.update","status":"kicked","metadata":{}}', 'WRONG_DIRECTION'],
    ['a missing field', '{"type":"vp.joined_stage","stageArn":"STAGE_ARN"}', 'INVALID_FIELD'],
    ['an empty field', '{"type":"vp.error","error":""}', 'INVALID_FIELD'],
    ['a field of the wrong kind', '{"type":"vp.left_stage","epoch":"1"}', 'INVALID_FIELD'],
    ['a deep message', `{"type":${'['.repeat(20_000)}${']'.repeat(20_000)}}`, 'INVALID_FIELD'],
  ])('answers %s with an error, and the connection goes on', async (_what, text, code) => {
    const client = await open(server.url);
    client.say(text, READY, SUBSCRIBE);
    const [error, answer] = await client.first(2);
    expect([error?.type === 'error' && error.code, answer?.type]).toEqual([code, 'vp.update']);
  });

  it.each([
    ['a message of a megabyte', CloseCode.MESSAGE_TOO_BIG, ['x'.repeat(1_048_576)]],
    ['10,000 messages at once', CloseCode.TOO_MANY_MESSAGES, Array.from({ length: 10_000 }, () => 'x')],
    ['10,000 good messages at once', CloseCode.TOO_MANY_MESSAGES, Array.from({ length: 10_000 }, () => SUBSCRIBE)],
  ])('closes the connection of who sends %s, and serves a new one at once', async (_what, code, messages) => {
    const client = await open(server.url);
    client.say(...messages);
    expect(await client.closed).toBe(code);
    const startedAtMs = performance.now();
    const next = await open(server.url);
    next.say(READY, SUBSCRIBE);
    await next.status('available');
    expect(performance.now() - startedAtMs).toBeLessThan(1_000);
  });

  it('has one page: a second one closes the first', async () => {
    const [first, second] = [await open(server.url), await open(server.url)];
    first.say(READY, SUBSCRIBE);
    await first.status('available');
    second.say(READY, SUBSCRIBE);
    await second.status('available');
    expect(await first.closed).toBe(CloseCode.REPLACED);
  });

  it.each([
    ['another Origin', { origin: 'http://localhost:3457' }],
    ['an Origin of the web', { origin: 'https://evil.example' }],
    ['a Host that is not this machine', { headers: { host: 'evil.example' } }],
  ])('refuses %s', async (_what, options) => {
    expect(await new TestClient(server.url, options).refused).toBe(403);
  });

  it('lets in the page of its port', async () => {
    const client = await open(server.url, { origin: 'http://localhost:3456' });
    client.say(READY, SUBSCRIBE);
    await client.status('available');
  });
});

describe('The development server with a token', () => {
  const token = 'eyJhbGciOiJFUzM4NCJ9.eyJyZXNvdXJjZSI6ImFybjphd3M6aXZzOnVzLWVhc3QtMToxOnN0YWdlL2FiIn0.c2lnbmF0dXJl';
  const invited = {
    stageArn: 'arn:aws:ivs:us-east-1:1:stage/ab',
    participantToken: token,
    asset: { name: 'my trailer.mp4', url: '/assets/my%20trailer.mp4', loop: true },
  };
  let server: DevServer;
  beforeAll(async () => {
    server = await startDevServer({ PARTICIPANT_TOKEN: token, DEFAULT_ASSET: 'my trailer.mp4' }, 'node');
  });
  afterAll(() => server.stop('SIGKILL'));

  it('invites who subscribes, follows its messages, and invites the next one anew', async () => {
    const program = await open(server.url);
    program.say(SUBSCRIBE);
    expect(await program.first(1)).toEqual([update('invited', 1, invited)]);
    program.say(JOINED);
    expect(await program.status('connected')).toEqual(update('connected', 1, invited));
    program.say(LEFT);
    expect(await program.status('available')).toEqual(update('available', 1));

    const next = await open(server.url);
    next.say(READY, SUBSCRIBE);
    expect(await next.first(1)).toEqual([update('invited', 2, invited)]);
    next.say('{"type":"vp.error","error":"The token has expired.","code":"TOKEN_EXPIRED"}');
    expect((await next.first(3)).slice(1)).toEqual([
      update('errored', 2, { reason: 'TOKEN_EXPIRED' }),
      update('available', 2, { reason: 'TOKEN_EXPIRED' }),
    ]);
    await server.untilPrinted('ERRORED, epoch 2, The token has expired.');
  });

  it('gives a watcher the status and no token', async () => {
    const [page, watcher] = [await open(server.url), await open(server.url)];
    page.say(READY, SUBSCRIBE);
    await page.status('invited');
    watcher.say(SUBSCRIBE);
    const { metadata } = await watcher.status('invited');
    expect(metadata).toEqual({ timestamp: TIMESTAMP, epoch: 3, stageArn: invited.stageArn, asset: invited.asset });
  });

  it('prints no token, not even one that a program reports', async () => {
    const client = await open(server.url);
    client.say(READY, `{"type":"vp.error","error":"It was ${token}, and that was the end."}`);
    await server.untilPrinted('and that was the end.');
    expect(server.output()).not.toContain(token);
  });

  it('tells its clients that it goes, and exits with 0, on Ctrl-C', async () => {
    const client = await open(server.url);
    const startedAtMs = performance.now();
    expect([await server.stop('SIGINT'), await client.closed]).toEqual([0, CloseCode.GOING_AWAY]);
    expect(performance.now() - startedAtMs).toBeLessThan(2_000);
  });
});

describe('The development server does not start, and says in one line why, when', () => {
  it('its port is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const port = typeof address === 'object' ? `${address?.port}` : '';
    const { exited, output } = runDevServer({ WEBSOCKET_PORT: port });
    const exitCode = await exited;
    other.close();
    expect([exitCode, linesOf(output())]).toEqual([
      1,
      [
        `WEBSOCKET_PORT: port ${port} of 127.0.0.1 is taken. Stop what uses it, or choose another one (0: any free one).`,
      ],
    ]);
  });

  it('a setting is wrong', async () => {
    const { exited, output } = runDevServer({ WEBSOCKET_PORT: 'many' });
    expect([await exited, linesOf(output())]).toEqual([
      1,
      ['WEBSOCKET_PORT is "many"; expected a whole number from 0 to 65535.'],
    ]);
  });

  it('the default asset is in S3, from where it fetches nothing', async () => {
    const { exited, output } = runDevServer({ DEFAULT_ASSET: 's3://bucket/a.mp4' });
    expect([await exited, linesOf(output())]).toEqual([
      1,
      [`DEFAULT_ASSET is "s3://bucket/a.mp4"; expected a file that the page's own server has, or pattern.`],
    ]);
  });
});

describe('The real page and the development server', () => {
  let system: System;
  let viewer: ViewerPage;
  let server: DevServer;
  const servers: DevServer[] = [];
  let cable: Cable;
  let page: ParticipantPage;
  let token: string;
  let participantId: string;
  const settings = () => ({
    PARTICIPANT_TOKEN: token,
    PAGE_PORT: new URL(system.pages.url).port,
    WEBSOCKET_PORT: new URL(server?.url ?? 'ws://127.0.0.1:0').port || '0',
  });
  const start = async (given: Record<string, string>) => {
    server = await startDevServer(given);
    servers.push(server);
  };
  const toldJoins = () => page.told.filter(({ type }) => type === 'vp.joined_stage').length;

  beforeAll(async () => {
    system = await startSystem();
    viewer = await openViewer(system);
    ({ token, participantId } = await system.newToken('vp'));
    await start(settings());
    cable = await startCable(server.url);
    page = await openLinkedPage(system, cable.url);
  }, 60_000);
  afterAll(async () => {
    cable.close();
    await server.stop('SIGKILL');
    await system.close();
  });

  it('publish what they were invited to, and a viewer decodes it', async () => {
    await page.untilState('published');
    await viewer.untilFrame(participantId);
    await server.untilPrinted('PUBLISHED, epoch 1');
  });

  it('go on without a second join when their socket is cut', async () => {
    page.forget();
    const printed = server.output();
    for (let cuts = 0; cuts < 3; cuts += 1) {
      cable.cut();
      await viewer.untilMoreFrames(participantId, 30);
    }
    await viewer.untilMoreFrames(participantId, 90);
    const states = page.told.flatMap((message) => (message.type === 'vp.stats' ? [message.state] : []));
    expect([toldJoins(), new Set(states), server.output()]).toEqual([0, new Set(['published']), printed]);
  });

  it('publish again when the page is reloaded', async () => {
    page.forget();
    await page.page.reload();
    await page.untilState('published');
    await viewer.untilMoreFrames(participantId, 60, 15_000);
    await server.untilPrinted('INVITED, epoch 1, PAGE_LOADING');
    expect(toldJoins()).toBe(1);
  });

  it('go on without a second join when the server is killed and started again', async () => {
    page.forget();
    await server.stop('SIGKILL');
    await viewer.untilMoreFrames(participantId, 60);
    await start(settings());
    await server.untilPrinted('PUBLISHED, epoch 1');
    await viewer.untilMoreFrames(participantId, 60);
    const states = page.told.flatMap((message) => (message.type === 'vp.stats' ? [message.state] : []));
    expect([toldJoins(), new Set(states)]).toEqual([0, new Set(['published'])]);
  }, 40_000);

  it('have one page: a second one takes the place, the first leaves and says so', async () => {
    const second = await openLinkedPage(system, cable.url);
    await second.untilState('published', 15_000);
    await page.until('the end', ({ type }) => type === 'vp.left_stage');
    expect(await page.page.$eval('.sentence', ({ textContent }) => textContent)).toContain(
      'Another page took the place of this one.',
    );
    await viewer.untilMoreFrames(participantId, 60, 15_000);
    await page.page.close();
    page = second;
  });

  it('agree that nobody invites the page when the server is started again without a token', async () => {
    await server.stop('SIGKILL');
    const { PARTICIPANT_TOKEN: _, ...others } = settings();
    await start(others);
    await page.untilState('idle');
    await viewer.untilGone(participantId);
    await server.untilPrinted('AVAILABLE');
    expect(await page.page.$eval('.sentence', ({ textContent }) => textContent)).toContain('has no invite');
  }, 40_000);

  it('never print the token', async () => {
    expect([...servers.map(({ output }) => output()), ...page.logged].filter((line) => line.includes(token))).toEqual(
      [],
    );
  });
});
