import { readFile } from 'node:fs/promises';
import { createWebSocketInspector, createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { WebSocket } from 'ws';
import { createActor, fromCallback, fromPromise } from 'xstate';
import { INSPECTION_VERSION, type Inspection, MAX_INSPECTION_LENGTH } from '../../machines/inspection.ts';
import { type ParticipantInvite, type Preparation, participantMachine } from '../../machines/participant.ts';
import { type SourceInput, type StageCommand, type StageInput, sessionMachine } from '../../machines/session.ts';
import { type Inspect, type InspectOptions, startInspect } from './inspect.ts';
import { actorAt, eventAt, stateAt } from './testing/inspections.ts';

/** Put together here so that nothing that looks like a token stands in the repository. */
const JWT = ['eyJhbGciOiJFUzM4NCJ9', 'eyJleHAiOjE3MDAwMDAwMDB9', 'c2lnbmF0dXJl'.repeat(5)].join('.');
const SECRET = 'secret-of-the-page';

const open: Inspect[] = [];

async function start(options: Partial<InspectOptions> = {}): Promise<Inspect> {
  const inspect = await startInspect({ port: 0, ...options });
  open.push(inspect);
  return inspect;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((inspect) => inspect.close()));
});

/** The package's own receiver, and all that it got. */
function receive(url: string) {
  const heard: StatelyInspectionEvent[] = [];
  const waiting = new Set<() => void>();
  createWebSocketReceiver({ server: url }).subscribe((event) => {
    heard.push(event);
    for (const check of [...waiting]) check();
  });
  /** Resolves with the first event, of those that came and of those to come, that `matches`. */
  const until = (matches: (event: StatelyInspectionEvent) => boolean) =>
    new Promise<StatelyInspectionEvent>((resolve) => {
      const check = () => {
        const found = heard.find(matches);
        if (found === undefined) return;
        waiting.delete(check);
        resolve(found);
      };
      waiting.add(check);
      check();
    });
  return { heard, until };
}

const isState = (event: StatelyInspectionEvent, source: string, value: string) =>
  event.type === '@xstate.snapshot' &&
  event.sessionId.startsWith(source) &&
  JSON.stringify('value' in event.snapshot ? event.snapshot.value : null).includes(value);

/** A participant that is online; `invite` has it prepare and wait for a page. */
function startParticipant(inspect: Inspect, participantToken: string) {
  const actor = createActor(
    participantMachine.provide({
      actors: {
        prepare: fromPromise<Preparation, { invite: ParticipantInvite | null }>(async () => ({
          participantToken,
          participantId: 'p1',
          asset: null,
        })),
      },
    }),
    { inspect: inspect.inspect },
  ).start();
  actor.send({ type: 'control.online' });
  const invite = () =>
    actor.send({
      type: 'invite.received',
      invite: {
        epoch: 1,
        stageArn: 'arn:aws:ivs:us-east-1:123456789012:stage/abcd',
        assetName: null,
        loop: true,
        userId: null,
        attributes: {},
        maxDurationSeconds: null,
      },
    });
  return { invite, stop: () => actor.stop() };
}

/** A session that joins at once and is told of by the package's own inspector, which leaves nothing out. */
function startSession(inspect: Inspect, participantToken: string) {
  const inspector = createWebSocketInspector({ url: inspect.url });
  const actor = createActor(
    sessionMachine.provide({
      actors: {
        source: fromCallback<{ type: 'none' }, SourceInput>(() => {}),
        stage: fromCallback<StageCommand, StageInput>(({ sendBack }) =>
          sendBack({ type: 'stage.joined', participantId: 'p1', stageArn: 'arn' }),
        ),
      },
    }),
    { inspect: inspector.inspect },
  ).start();
  actor.send({ type: 'session.start', invite: { epoch: 1, participantToken, stageArn: 'arn', asset: null } });
  return { stop: () => actor.stop(), disconnect: inspector.stop };
}

/** A client that is no receiver of the package, so that its handshake can be anything. */
function connect(url: string, headers: Record<string, string> = {}, protocols: string[] = []) {
  const socket = new WebSocket(url, protocols, { headers });
  const opened = new Promise<string>((resolve) => {
    socket.on('open', () => resolve('open'));
    socket.on('unexpected-response', (_, response) => resolve(`refused ${response.statusCode}`));
  });
  socket.on('error', () => {});
  const closed = new Promise<number>((resolve) => socket.on('close', resolve));
  return { socket, opened, closed };
}

describe('startInspect', () => {
  it('tells the version of the package whose clients it was tried with, and what they understand', async () => {
    const told = [actorAt(0), eventAt(0, { type: 'go' }), stateAt(0, 'on')] satisfies StatelyInspectionEvent[];
    expect(told.map(({ _version }) => _version)).toEqual(Array(3).fill(INSPECTION_VERSION));
    const file = new URL('../../node_modules/@statelyai/inspect/package.json', import.meta.url);
    expect(INSPECTION_VERSION).toBe(JSON.parse(await readFile(file, 'utf8')).version);
  });

  it('tells a receiver that comes late the present state of both machines, then what happens', async () => {
    const inspect = await start();
    const first = receive(inspect.url);
    const participant = startParticipant(inspect, JWT);
    const session = startSession(inspect, JWT);
    await first.until((event) => isState(event, 'session-1', 'joined'));

    const late = receive(inspect.url);
    await late.until((event) => isState(event, 'session-1', 'joined'));
    const names = late.heard.map((event) => (event.type === '@xstate.actor' ? event.name : event.event.type));
    participant.invite();
    await late.until((event) => isState(event, 'participant', 'joining'));

    expect(names).toEqual([
      'participant',
      'control.online',
      'session',
      'stage.joined',
      'source',
      'xstate.init',
      'stage',
      'xstate.init',
    ]);
    participant.stop();
    session.stop();
    session.disconnect();
  });

  it('tells nothing that holds a token, even where a page told it', async () => {
    const inspect = await start();
    const { heard, until } = receive(inspect.url);
    const opaque = 'opaque-token-of-a-page';
    const participant = startParticipant(inspect, JWT);
    const session = startSession(inspect, opaque);
    participant.invite();
    await until((event) => isState(event, 'participant', 'joining'));
    await until((event) => isState(event, 'session-1', 'joined'));

    const tokens = JSON.stringify(heard).match(/"participantToken":"[^"]*"/g);
    expect(new Set(tokens)).toEqual(new Set(['"participantToken":"[redacted]"']));
    expect(heard.filter((event) => /eyJ|opaque-token/.test(JSON.stringify(event)))).toEqual([]);
    participant.stop();
    session.stop();
    session.disconnect();
  });

  it('tells in the order of time, though both machines run at once', async () => {
    const inspect = await start();
    const { heard, until } = receive(inspect.url);
    const participant = startParticipant(inspect, JWT);
    const session = startSession(inspect, JWT);
    participant.invite();
    await until((event) => isState(event, 'participant', 'joining'));
    await until((event) => isState(event, 'session-1', 'joined'));

    const times = heard.map(({ createdAt }) => Number(createdAt));
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    participant.stop();
    session.stop();
    session.disconnect();
  });

  it('tells that the machines of a page have stopped when the page is gone', async () => {
    const inspect = await start();
    const { heard, until } = receive(inspect.url);
    const session = startSession(inspect, JWT);
    await until((event) => isState(event, 'session-1', 'joined'));
    session.disconnect();
    await until((event) => event.type === '@xstate.snapshot' && event.snapshot.status === 'stopped');

    expect(heard.at(-1)?.sessionId.split('/')[0]).toBe('session-1');
    session.stop();
  });

  it.each([
    ['no Origin, as programs send none', {}, 'open'],
    ['the Origin of a page of this machine', { origin: 'http://localhost:5173' }, 'open'],
    ['the Origin of a page of the web', { origin: 'https://stately.ai' }, 'refused 403'],
    ['the Host of another machine', { host: 'rebound.example' }, 'refused 403'],
  ])('answers a client with %s', async (_, headers: Record<string, string>, answer) => {
    const inspect = await start();
    const { socket, opened } = connect(inspect.url, headers);

    expect(await opened).toBe(answer);
    socket.terminate();
  });

  it('takes events only of a page that knows the secret, if there is one', async () => {
    const logged: string[] = [];
    const inspect = await start({ secret: SECRET, log: (_, message) => logged.push(message) });
    const { until } = receive(inspect.url);
    const [page, liar, stranger] = [
      connect(inspect.url, {}, [SECRET]),
      connect(inspect.url, {}, ['guessed']),
      connect(inspect.url),
    ];
    expect(await Promise.all([page.opened, liar.opened, stranger.opened])).toEqual(['open', 'refused 403', 'open']);

    stranger.socket.send(JSON.stringify(stateAt(Date.now(), 'false')));
    page.socket.send(JSON.stringify(actorAt(Date.now())));
    page.socket.send(JSON.stringify(stateAt(Date.now(), 'true')));
    expect(await stranger.closed).toBe(1008);
    await until((event) => isState(event, 'session-1', 'true'));
    expect(logged).toEqual(['A client of the inspection port was refused.']);
    page.socket.terminate();
  });

  it.each([
    ['is no inspection event', '{"type":"vp.ready"}', 1003],
    ['is longer than any event may be', 'x'.repeat(3 * MAX_INSPECTION_LENGTH + 1), 1009],
  ])('closes the connection of a page whose message %s', async (_, message, code) => {
    const inspect = await start();
    const { socket, opened, closed } = connect(inspect.url);
    await opened;
    socket.send(message);

    expect(await closed).toBe(code);
  });

  it('cuts off a receiver that does not read, while others go on', async () => {
    const logged: string[] = [];
    const inspect = await start({ log: (_, message) => logged.push(message) });
    const { until } = receive(inspect.url);
    const slow = connect(inspect.url);
    const page = connect(inspect.url);
    await Promise.all([slow.opened, page.opened]);
    slow.socket.pause();

    const context = 'c'.repeat(MAX_INSPECTION_LENGTH - 1_000);
    for (let batch = 0; logged.length === 0 && batch < 50; batch += 1) {
      for (let index = 0; index < 20; index += 1) {
        page.socket.send(JSON.stringify({ ...stateAt(Date.now(), 'on'), snapshot: { status: 'active', context } }));
      }
      page.socket.send(JSON.stringify(stateAt(Date.now(), `batch ${batch}.`)));
      await until((event) => isState(event, 'session-1', `batch ${batch}.`));
    }
    slow.socket.resume();

    expect(logged).toEqual(['A receiver of inspection events is too slow, and was cut off.']);
    expect(await slow.closed).toBe(1006);
    page.socket.terminate();
  });

  it('names the port and the setting when the port is taken', async () => {
    const { url } = await start();
    const port = Number(new URL(url).port);

    await expect(startInspect({ port })).rejects.toThrow(
      `Port ${port} of 127.0.0.1 is taken. Stop what uses it, or set INSPECT_PORT to another one (0: any free one).`,
    );
  });

  it('tells what happened last before it says goodbye, and may be closed again', async () => {
    const inspect = await startInspect({ port: 0 });
    const { socket, opened, closed } = connect(inspect.url);
    const heard: Inspection[] = [];
    socket.on('message', (data) => heard.push(JSON.parse(String(data))));
    await opened;
    startParticipant(inspect, JWT).stop();
    await Promise.all([inspect.close(), inspect.close()]);

    expect(await closed).toBe(1001);
    expect(heard.at(-1)).toMatchObject({ type: '@xstate.snapshot', snapshot: { status: 'stopped' } });
  });

  it('says how to look at it to who asks over HTTP', async () => {
    const inspect = await start();
    const response = await fetch(inspect.url.replace('ws:', 'http:'));

    expect([response.status, await response.text()]).toEqual([
      426,
      'This is a WebSocket of inspection events. Look at it by: npx tsx server/inspect/tail.ts\n',
    ]);
  });
});
