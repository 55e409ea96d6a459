import { jest } from '@jest/globals';
import { CloseCode, type PageMessage, type ServerMessage, type VpUpdate } from '../machines/protocol.ts';
import { sessionStateOf } from '../machines/session.ts';
import { FakeSources } from './processor/testing/fake-source.ts';
import { linkToServer, type PageSocket, type ServerLinkOptions } from './server-link.ts';
import { startSession } from './session.ts';
import { FakeStage } from './stage/testing/fake-stage.ts';

const URL = 'ws://127.0.0.1:3001';
const STAGE_ARN = 'arn:aws:ivs:us-east-1:123456789012:stage/abcd';
const TOKEN = 'eyJhbGciOiJFUzM4NCJ9.eyJyZXNvdXJjZSI6ImFybiJ9.c2lnbmF0dXJl';
const ASSET = { name: 'my.mp4', url: '/assets/my.mp4', loop: true };
const TIMESTAMP = '2023-01-01T00:00:00.000Z';

/** One WebSocket of the page, of which the test is the server. */
class FakeSocket implements PageSocket {
  onopen: WebSocket['onopen'] = null;
  onmessage: WebSocket['onmessage'] = null;
  onclose: WebSocket['onclose'] = null;
  readonly madeAtMs = performance.now();
  readonly url: string;
  readonly protocols: string[];
  readonly sent: PageMessage[] = [];
  closes = 0;

  constructor(url: string, protocols: string[]) {
    this.url = url;
    this.protocols = protocols;
  }

  send(data: string): void {
    this.sent.push(JSON.parse(data));
  }

  close(): void {
    this.closes += 1;
  }

  open(): this {
    this.onopen?.call(this as unknown as WebSocket, {} as Event);
    return this;
  }

  say(message: ServerMessage | string): void {
    const data = typeof message === 'string' ? message : JSON.stringify(message);
    this.onmessage?.call(this as unknown as WebSocket, { data } as MessageEvent);
  }

  end(code = 1006): void {
    this.onclose?.call(this as unknown as WebSocket, { code } as CloseEvent);
  }
}

/** A page that was linked to a server at 0, and all that it did. */
function stand(options: Partial<ServerLinkOptions> = { pageId: 'page-1' }) {
  const stage = new FakeStage();
  const fakes = new FakeSources(40);
  const session = startSession({ ...fakes, stage });
  const sockets: FakeSocket[] = [];
  const states: string[] = [];
  const problems: string[] = [];
  linkToServer({
    session,
    url: URL,
    connect: (url, protocols) => {
      const socket = new FakeSocket(url, protocols);
      sockets.push(socket);
      return socket;
    },
    onState: (state) => states.push(state),
    onProblem: (text) => problems.push(text),
    ...options,
  });
  const latest = () => {
    const socket = sockets.at(-1);
    if (socket === undefined) throw new Error('The page made no socket.');
    return socket;
  };
  const made = {
    session,
    stage,
    sockets,
    states,
    problems,
    latest,
    state: () => sessionStateOf(session.actor.getSnapshot()),
  };
  stood.push(made);
  return made;
}

const stood: { sockets: FakeSocket[]; problems: string[] }[] = [];
const pass = (timeMs: number) => jest.advanceTimersByTimeAsync(timeMs);
const typesOf = (messages: PageMessage[]) =>
  messages.map((message) => (message.type === 'vp.stats' ? `stats ${message.state} ${message.epoch}` : message.type));

const update = (status: VpUpdate['status'], epoch: number, metadata: object = {}): VpUpdate => ({
  type: 'vp.update',
  status,
  metadata: { timestamp: TIMESTAMP, epoch, ...metadata },
});
const invited = (epoch: number) =>
  update('invited', epoch, { stageArn: STAGE_ARN, participantToken: TOKEN, asset: ASSET });

async function published() {
  const made = stand();
  made.latest().open().say(invited(1));
  await pass(500);
  return made;
}

beforeEach(() => {
  jest.useFakeTimers();
  stood.length = 0;
});

afterEach(() => {
  for (const { sockets, problems } of stood) {
    expect(JSON.stringify([sockets.map(({ sent }) => sent), problems])).not.toContain(TOKEN);
  }
  jest.useRealTimers();
});

describe('a page that is linked to a server', () => {
  it('greets it with where it stands before it subscribes, and says only once that it is loaded', () => {
    const { latest, sockets } = stand();
    latest().open().end();
    jest.advanceTimersByTime(50);
    latest().open();
    const stats = {
      type: 'vp.stats',
      state: 'idle',
      participantId: null,
      frames: 0,
      bytes: 0,
      fps: 0,
      mediaTimeMs: 0,
      loops: 0,
      rejoins: 0,
      epoch: 0,
      pageId: 'page-1',
    };
    const subscribe = { type: 'vp.subscribe_vp', epoch: 0, pageId: 'page-1' };
    expect(sockets.map(({ sent }) => sent)).toEqual([
      [{ type: 'vp.ready', epoch: 0, pageId: 'page-1' }, stats, subscribe],
      [stats, subscribe],
    ]);
  });

  it('is named at random for each page load', () => {
    const ids = [1, 2].map(() => {
      const { latest } = stand({});
      return latest().open().sent[0]?.pageId ?? '';
    });
    expect([new Set(ids).size, ids.every((id) => /^[0-9a-f-]{36}$/.test(id))]).toEqual([2, true]);
  });

  it.each([
    ['offers the secret as its subprotocol', { secret: 'c2VjcmV0' }, ['c2VjcmV0']],
    ['offers no subprotocol without a secret', {}, []],
  ])('%s', (_what, options, protocols) => {
    const { latest } = stand(options);
    expect([latest().url, latest().protocols]).toEqual([URL, protocols]);
  });

  it('joins and publishes when it is invited, and tells each step with its epoch and page', async () => {
    const { latest, stage } = await published();
    const told = latest().sent.slice(3);
    expect([typesOf(told), stage.latest.participantToken]).toEqual([
      [
        'stats joining 1',
        'stats joining 1',
        'vp.joined_stage',
        'stats publishing 1',
        'vp.published',
        'stats published 1',
      ],
      TOKEN,
    ]);
    expect(told.map(({ epoch, pageId }) => `${epoch} ${pageId}`)).toEqual(told.map(() => '1 page-1'));
  });

  it.each(['invited', 'connected', 'published'] as const)(
    'answers a repeat of its invite as %s with where it stands, and joins no second time',
    async (status) => {
      const { latest, stage } = await published();
      const before = latest().sent.length;
      latest().say({ ...invited(1), status });
      await pass(0);
      expect([typesOf(latest().sent.slice(before)), stage.connections.length]).toEqual([['stats published 1'], 1]);
    },
  );

  it('leaves the stage when it is kicked, and tells so', async () => {
    const { latest, stage } = await published();
    const before = latest().sent.length;
    latest().say(update('kicked', 1, { reason: 'KICKED' }));
    await pass(0);
    const told = latest().sent.slice(before);
    expect([typesOf(told), told.map((message) => 'reason' in message && message.reason), stage.latest.leaves]).toEqual([
      ['vp.unpublished', 'stats leaving 1', 'vp.left_stage', 'stats idle 1', 'stats idle 1'],
      ['KICKED', 'KICKED', 'KICKED', 'KICKED', 'KICKED'],
      1,
    ]);
  });

  it('does nothing about an invite without a token, which is what a watcher gets', async () => {
    const { latest, stage, state } = stand();
    latest()
      .open()
      .say(update('invited', 1, { stageArn: STAGE_ARN }));
    await pass(500);
    expect([state(), stage.connections.length]).toEqual(['idle', 0]);
  });

  it('tells every two seconds where it stands', async () => {
    const { latest } = await published();
    const before = latest().sent.length;
    await pass(6_000);
    expect(typesOf(latest().sent.slice(before))).toEqual([
      'stats published 1',
      'stats published 1',
      'stats published 1',
    ]);
  });

  it('drops what it does not understand and says what was wrong with it', () => {
    const { latest, problems, state } = stand();
    const socket = latest().open();
    socket.say('{');
    socket.say('{"type":"vp.command"}');
    socket.say('{"type":"vp.ready"}');
    socket.say({ ...invited(1), status: 'gone' as never });
    socket.say({ type: 'error', error: 'The field "state" of vp.stats is missing.', code: 'INVALID_FIELD' });
    expect([state(), problems]).toEqual([
      'idle',
      [
        'A message of the server was dropped: A message must be JSON.',
        'A message of the server was dropped: The type is none of vp.update, error.',
        'A message of the server was dropped: "vp.ready" is a message of the other side.',
        'A message of the server was dropped: The field "status" of vp.update must be one of available, invited, connected, published, kicked, errored, stopped.',
        'The server did not understand a message (INVALID_FIELD): The field "state" of vp.stats is missing.',
      ],
    ]);
  });
});

describe('a page whose server is gone', () => {
  it('goes on publishing, and greets the next one with that, without a second join', async () => {
    const { latest, stage, state, states } = await published();
    latest().end();
    await pass(50);
    await pass(4_000);
    latest().open().say(invited(1));
    await pass(1_000);
    expect([state(), stage.connections.length, typesOf(latest().sent), states]).toEqual([
      'published',
      1,
      ['stats published 1', 'vp.subscribe_vp', 'stats published 1'],
      ['waiting', 'connected', 'waiting', 'connected'],
    ]);
  });

  it('tries again for ever, after waits that double from 50 ms to a second', () => {
    const { latest, sockets } = stand();
    for (let attempt = 0; attempt < 9; attempt += 1) {
      latest().end();
      jest.advanceTimersByTime(1_000);
    }
    const madeAtMs = sockets.map((socket) => socket.madeAtMs);
    expect(madeAtMs.slice(1).map((time, index) => time - 1_000 * index)).toEqual([
      50, 100, 200, 400, 800, 1_000, 1_000, 1_000, 1_000,
    ]);
  });

  it('begins with short waits again once a server has said something, not when it only let the page in', () => {
    const { latest, sockets } = stand();
    const waitAfter = (act: () => void) => {
      act();
      const endedAtMs = performance.now();
      const before = sockets.length;
      latest().end();
      while (sockets.length === before) jest.advanceTimersByTime(50);
      return performance.now() - endedAtMs;
    };
    expect([
      waitAfter(() => {}),
      waitAfter(() => {}),
      waitAfter(() => latest().open()),
      waitAfter(() => latest().open().say(update('available', 0))),
      waitAfter(() => {}),
    ]).toEqual([50, 100, 200, 50, 100]);
  });

  it('gives up an attempt that is not answered in five seconds, and drops all of that socket', () => {
    const { latest, sockets, states, state } = stand();
    const [first] = sockets;
    jest.advanceTimersByTime(4_999);
    expect(sockets.length).toBe(1);
    jest.advanceTimersByTime(1 + 50);
    latest().open();
    first?.open().say(invited(1));
    first?.end();
    expect([sockets.length, first?.closes, first?.sent, state(), states]).toEqual([
      2,
      1,
      [],
      'idle',
      ['waiting', 'connected'],
    ]);
  });

  it.each([CloseCode.GOING_AWAY, CloseCode.MESSAGE_TOO_BIG, CloseCode.TOO_MANY_MESSAGES, 1000, 1006])(
    'connects again after close code %i',
    (code) => {
      const { latest, sockets } = stand();
      latest().open().end(code);
      jest.advanceTimersByTime(50);
      expect(sockets.length).toBe(2);
    },
  );
});

describe('a page whose place another one took', () => {
  it('leaves the stage, says so and does not come back', async () => {
    const { latest, sockets, stage, state, states } = await published();
    const before = latest().sent.length;
    latest().end(CloseCode.REPLACED);
    await pass(60_000);
    expect({
      state: state(),
      leaves: stage.latest.leaves,
      sockets: sockets.length,
      states,
      told: latest().sent.length,
    }).toEqual({
      state: 'idle',
      leaves: 1,
      sockets: 1,
      states: ['waiting', 'connected', 'replaced'],
      told: before,
    });
  });
});
