import { jest } from '@jest/globals';
import { statusOf } from '../../machines/participant-link.ts';
import { LIMITS, type PageMessage, type ServerMessage } from '../../machines/protocol.ts';
import { newCounters, type WebSocketLog } from './connection.ts';
import { PAGE_GRACE_MS, PageLink } from './page-link.ts';
import { FakeConnection } from './testing/fake-connection.ts';
import { ASSET, invite, STAGE_ARN, startTestParticipant, TOKEN } from './testing/test-participant.ts';

const NOW = '2023-01-01T00:00:00.000Z';
const READY: PageMessage = { type: 'vp.ready' };
const SUBSCRIBE: PageMessage = { type: 'vp.subscribe_vp' };
const JOINED: PageMessage = { type: 'vp.joined_stage', stageArn: STAGE_ARN, participantId: 'participant-1' };
const PUBLISHED: PageMessage = { type: 'vp.published' };
const LEFT: PageMessage = { type: 'vp.left_stage' };
const stats = (state: 'idle' | 'published', epoch: number): PageMessage => ({
  type: 'vp.stats',
  state,
  participantId: null,
  frames: 0,
  bytes: 0,
  fps: 0,
  mediaTimeMs: 0,
  loops: 0,
  rejoins: 0,
  epoch,
});

const INVITE = { stageArn: STAGE_ARN, asset: ASSET };
const update = (status: string, epoch: number, metadata: object = {}) => ({
  type: 'vp.update',
  status,
  metadata: { timestamp: NOW, epoch, ...metadata },
});
const forPage = (status: string, epoch: number) => update(status, epoch, { ...INVITE, participantToken: TOKEN });
const forWatcher = (status: string, epoch: number) => update(status, epoch, INVITE);

/** A link to a participant, and clients that say things. */
function stand() {
  const actor = startTestParticipant();
  const statuses: string[] = [];
  actor.subscribe((snapshot) => {
    const status = statusOf(snapshot)?.status ?? '-';
    if (status !== statuses.at(-1)) statuses.push(status);
  });
  const logged: Parameters<WebSocketLog>[] = [];
  const counters = newCounters();
  const figures: PageMessage[] = [];
  const link = new PageLink({
    actor,
    counters,
    log: (...line) => logged.push(line),
    onStats: (told) => figures.push(told),
    pageGraceMs: PAGE_GRACE_MS,
  });
  const connect = (mayBePage = true, pageId?: string) => {
    const connection = new FakeConnection();
    const { onMessage, onClosed } = link.connect(connection, mayBePage);
    return {
      ...connection,
      say: (...messages: (PageMessage | string)[]) => {
        for (const message of messages) {
          onMessage(
            typeof message === 'string'
              ? message
              : JSON.stringify({ ...(pageId !== undefined && { pageId }), ...message }),
          );
        }
      },
      sayBinary: () => onMessage(null),
      end: onClosed,
    };
  };
  const isPage = (state: 'absent' | 'loading' | 'ready') => actor.getSnapshot().matches({ serving: { page: state } });
  return { actor, statuses, logged, counters, figures, link, connect, isPage };
}

/** Lets the promises of the machine's actors settle. */
const settle = () => jest.advanceTimersByTimeAsync(0);
const statusesOf = (messages: ServerMessage[]) =>
  messages.map((message) => (message.type === 'vp.update' ? message.status : message.code));

async function published(pageId?: string) {
  const made = stand();
  const page = made.connect(true, pageId);
  page.say(READY, SUBSCRIBE);
  invite(made.actor, 1);
  await settle();
  page.say(JOINED, PUBLISHED);
  return { ...made, page };
}

beforeEach(() => {
  jest.useFakeTimers({ now: new Date(NOW) });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('a program that speaks only the messages of the requirements', () => {
  it('is available, invited, connected, and available again when it has left', async () => {
    const { connect, actor, statuses } = stand();
    const page = connect();
    page.say(READY, SUBSCRIBE);
    invite(actor, 1);
    await settle();
    page.say(JOINED, LEFT);
    expect([page.sent, statuses]).toEqual([
      [update('available', 0), forPage('invited', 1), forPage('connected', 1), update('available', 1)],
      ['-', 'AVAILABLE', 'INVITED', 'CONNECTED', 'AVAILABLE'],
    ]);
  });

  it('has its error logged, and goes on', async () => {
    const { page, logged, statuses } = await published();
    page.say({ type: 'vp.error', error: 'ERROR_DESCRIPTION' });
    expect([logged.at(-1), statuses.at(-1)]).toEqual([
      ['warn', 'The page reported an error.', { code: 'none', error: 'ERROR_DESCRIPTION' }],
      'PUBLISHED',
    ]);
  });
});

describe('an update', () => {
  it('comes at once to who subscribes, and to nobody else', async () => {
    const { actor, connect } = stand();
    const [one, other] = [connect(), connect()];
    one.say(READY);
    invite(actor, 1);
    await settle();
    expect([one.sent, other.sent]).toEqual([[], []]);
    one.say(SUBSCRIBE);
    expect([one.sent, other.sent]).toEqual([[forPage('invited', 1)], []]);
  });

  it('comes again only when it says something else than before', async () => {
    const { page, actor } = await published();
    const before = page.sent.length;
    jest.advanceTimersByTime(5_000);
    page.say(SUBSCRIBE, stats('published', 1), PUBLISHED);
    actor.send({ type: 'control.offline' });
    expect(page.sent.slice(before)).toEqual([]);
  });

  it('does not come while an invite is made ready, and then with the whole invite', async () => {
    const { connect, actor } = stand();
    const page = connect();
    page.say(READY);
    invite(actor, 1);
    page.say(SUBSCRIBE);
    const early = [...page.sent];
    await settle();
    expect([early, page.sent]).toEqual([[], [forPage('invited', 1)]]);
  });

  it('says that the participant is stopped, as the last one', async () => {
    const { page, actor, statuses } = await published();
    actor.send({ type: 'drain', reason: 'SIGTERM' });
    page.say(LEFT, stats('idle', 1));
    expect([statusesOf(page.sent).slice(-2), statuses.at(-1)]).toEqual([['kicked', 'stopped'], 'STOPPED']);
  });
});

describe('a watcher', () => {
  it('gets each status and never the token', async () => {
    const { page, connect, actor } = await published();
    const watcher = connect();
    watcher.say(SUBSCRIBE);
    actor.send({ type: 'kick.received', reason: 'KICKED' });
    page.say(LEFT);
    expect(watcher.sent).toEqual([
      forWatcher('published', 1),
      update('kicked', 1, { reason: 'KICKED' }),
      update('available', 1, { reason: 'KICKED' }),
    ]);
  });

  it('is whoever did not offer the secret, and what it says of a page is dropped and counted', async () => {
    const { connect, actor, counters, isPage } = stand();
    const watcher = connect(false, 'a');
    watcher.say(READY, SUBSCRIBE, JOINED);
    invite(actor, 1);
    await settle();
    expect([watcher.sent, counters.dropped, isPage('absent')]).toEqual([
      [update('available', 0), forWatcher('invited', 1)],
      { NOT_ADMITTED: 2, OTHER_PAGE: 0, OTHER_EPOCH: 0 },
      true,
    ]);
  });

  it('that then is loaded as a page gets the token by a subscription it has made', async () => {
    const { page, connect, isPage } = await published();
    const watcher = connect();
    watcher.say(SUBSCRIBE, { ...READY, pageId: 'b' });
    expect([watcher.sent, page.closes, isPage('ready')]).toEqual([
      [
        forWatcher('published', 1),
        update('invited', 1, { reason: 'PAGE_LOADING', ...INVITE, participantToken: TOKEN }),
      ],
      ['REPLACED'],
      true,
    ]);
  });
});

describe('a second page', () => {
  it('closes the first, whose messages are not looked at any more, and has the invite', async () => {
    const { page, connect, statuses, counters } = await published('a');
    const second = connect(true, 'b');
    const before = page.sent.length;
    second.say(READY, stats('idle', 0), SUBSCRIBE);
    page.say(PUBLISHED, 'no JSON');
    second.say({ ...JOINED, epoch: 1 });
    expect([page.closes, page.sent.slice(before), statusesOf(second.sent), statuses.slice(-3)]).toEqual([
      ['REPLACED'],
      [],
      ['invited', 'connected'],
      ['PUBLISHED', 'INVITED', 'CONNECTED'],
    ]);
    expect(counters.errors.NOT_JSON).toBe(0);
  });

  it('keeps the place when the first comes back by another connection', async () => {
    const { connect, counters } = await published('a');
    const second = connect(true, 'b');
    second.say(READY);
    const first = connect(true, 'a');
    first.say(SUBSCRIBE);
    expect([first.closes, first.sent, second.closes, counters.dropped.OTHER_PAGE]).toEqual([['REPLACED'], [], [], 1]);
  });
});

describe('a page whose connection breaks', () => {
  it('is not lost when it is back in time, and goes on without another join', async () => {
    const { page, connect, statuses } = await published('a');
    page.end();
    jest.advanceTimersByTime(PAGE_GRACE_MS - 1);
    const again = connect(true, 'a');
    again.say(stats('published', 1), SUBSCRIBE);
    jest.advanceTimersByTime(60_000);
    expect([statuses.at(-1), statusesOf(again.sent)]).toEqual(['PUBLISHED', ['published']]);
  });

  it('is lost after the grace, and found again when it comes back later', async () => {
    const { page, connect, statuses, isPage } = await published('a');
    page.end();
    jest.advanceTimersByTime(PAGE_GRACE_MS - 1);
    const held = isPage('ready');
    jest.advanceTimersByTime(1);
    const lost = [isPage('absent'), statuses.at(-1)];
    const again = connect(true, 'a');
    again.say(stats('published', 1), SUBSCRIBE);
    expect([held, lost, isPage('ready'), statuses.at(-1)]).toEqual([true, [true, 'INVITED'], true, 'PUBLISHED']);
  });

  it('is not lost while another connection of it stands: both are read, and both are told', async () => {
    const { page, connect, actor, isPage } = await published('a');
    const again = connect(true, 'a');
    again.say(stats('published', 1), SUBSCRIBE);
    page.say({ type: 'vp.unpublished', reason: 'NO_MEDIA' });
    expect([page.sent.at(-1), again.sent.at(-1)]).toEqual([
      update('connected', 1, { reason: 'NO_MEDIA', ...INVITE, participantToken: TOKEN }),
      update('connected', 1, { reason: 'NO_MEDIA', ...INVITE, participantToken: TOKEN }),
    ]);
    page.end();
    jest.advanceTimersByTime(60_000);
    expect([isPage('ready'), actor.getSnapshot().context.epoch]).toEqual([true, 1]);
  });

  it('has not left a trace in the machine when a watcher goes', async () => {
    const { connect, statuses } = await published('a');
    const watcher = connect();
    watcher.say(SUBSCRIBE);
    watcher.end();
    jest.advanceTimersByTime(60_000);
    expect(statuses.at(-1)).toBe('PUBLISHED');
  });
});

describe('a message of another epoch', () => {
  it.each([
    ['an older', 1],
    ['a newer', 3],
  ])('is dropped and counted while an invite stands: %s', async (_what, epoch) => {
    const { connect, actor, statuses, counters } = stand();
    const page = connect();
    page.say(READY, SUBSCRIBE);
    invite(actor, 2);
    await settle();
    page.say({ ...JOINED, epoch }, stats('published', epoch), { ...LEFT, epoch });
    expect([statuses.at(-1), counters.dropped.OTHER_EPOCH]).toEqual(['INVITED', 3]);
  });

  it('makes a page leave that is on a stage without an invite', async () => {
    const { connect, counters } = stand();
    const page = connect();
    page.say(READY, stats('published', 7), SUBSCRIBE, stats('idle', 0));
    expect([page.sent, counters.dropped.OTHER_EPOCH]).toEqual([
      [update('kicked', 0, { reason: 'NOT_INVITED' }), update('available', 0, { reason: 'NOT_INVITED' })],
      0,
    ]);
  });

  it('speaks of no invite when it is the first one of a page', async () => {
    const { page, counters, isPage } = await published('a');
    page.say({ ...READY, epoch: 0 }, { ...SUBSCRIBE, epoch: 0 });
    expect([counters.dropped.OTHER_EPOCH, isPage('ready')]).toEqual([0, true]);
  });
});

describe('a message that cannot be understood', () => {
  it.each([
    ['no JSON', 'hello', 'NOT_JSON', 'A message must be JSON.'],
    ['no object', '[]', 'NOT_AN_OBJECT', 'A message must be a JSON object with a "type".'],
    [
      'an unknown type',
      '{"type":"vp.dance"}',
      'UNKNOWN_TYPE',
      'The type is none of vp.ready, vp.subscribe_vp, vp.joined_stage, vp.left_stage, vp.error, vp.published, vp.unpublished, vp.stats.',
    ],
    [
      'the server’s',
      '{"type":"vp.update","status":"kicked","metadata":{}}',
      'WRONG_DIRECTION',
      '"vp.update" is a message of the other side.',
    ],
    [
      'without a field',
      '{"type":"vp.joined_stage","stageArn":"STAGE_ARN"}',
      'INVALID_FIELD',
      'The field "participantId" of vp.joined_stage is missing.',
    ],
  ] as const)('is answered and counted, and the connection stays: %s', (_what, text, code, error) => {
    const { connect, counters } = stand();
    const client = connect();
    client.say(text, SUBSCRIBE);
    expect([client.sent, client.closes, counters.errors[code]]).toEqual([
      [{ type: 'error', error, code }, update('available', 0)],
      [],
      1,
    ]);
  });

  it('is a binary one, too', () => {
    const { connect } = stand();
    const client = connect();
    client.sayBinary();
    expect(client.sent).toEqual([
      { type: 'error', error: 'A message must be JSON in a text frame.', code: 'NOT_JSON' },
    ]);
  });

  it('makes nobody the page', () => {
    const { connect, isPage } = stand();
    connect().say('{"type":"vp.ready","pageId":""}');
    expect(isPage('absent')).toBe(true);
  });
});

describe('too many messages', () => {
  it('are answered, then end the connection, and nothing of it is looked at after that', () => {
    const { connect, counters } = stand();
    const client = connect();
    client.say(SUBSCRIBE, ...Array.from({ length: 10_000 }, () => SUBSCRIBE));
    expect([client.sent, client.closes, counters.errors.RATE_LIMITED]).toEqual([
      [
        update('available', 0),
        ...Array.from({ length: LIMITS.rateErrorsBeforeClose }, () => ({
          type: 'error',
          error: 'There are too many messages in this second.',
          code: 'RATE_LIMITED',
        })),
      ],
      ['TOO_MANY_MESSAGES'],
      20,
    ]);
  });

  it('of one client are no limit for another', () => {
    const { connect } = stand();
    connect().say(...Array.from({ length: 10_000 }, () => 'x'));
    const other = connect();
    other.say(SUBSCRIBE);
    expect(other.sent).toEqual([update('available', 0)]);
  });
});

describe('the figures of the page', () => {
  it('are told on, and not those of a watcher or of another epoch', async () => {
    const { page, connect, figures } = await published('a');
    page.say(stats('published', 1), stats('published', 9));
    connect(false).say(stats('published', 1));
    expect(figures).toEqual([{ ...stats('published', 1), pageId: 'a' }]);
  });
});

describe('a link that is closed', () => {
  it('says goodbye to every client, and tells the machine nothing of it', async () => {
    const { link, page, connect, actor, statuses } = await published('a');
    const watcher = connect();
    link.close();
    page.end();
    watcher.end();
    jest.advanceTimersByTime(60_000);
    actor.send({ type: 'kick.received', reason: 'KICKED' });
    expect([page.closes, watcher.closes, statusesOf(page.sent).at(-1), statuses.slice(-2)]).toEqual([
      ['GOING_AWAY'],
      ['GOING_AWAY'],
      'published',
      ['PUBLISHED', '-'],
    ]);
  });
});
