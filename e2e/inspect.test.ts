import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import type { Page } from 'puppeteer';
import { createActor, fromPromise } from 'xstate';
import { type ParticipantInvite, type Preparation, participantMachine } from '../machines/participant.ts';
import { startInspect } from '../server/inspect/inspect.ts';
import { serveWebSocketApi } from '../server/websocket/server.ts';
import { type System, startSystem } from './support/system.ts';

const SECRET = 'secret-of-the-page';
const TAIL = fileURLToPath(new URL('../server/inspect/tail.ts', import.meta.url));
const UNTIL_TIMEOUT_MS = 10_000;

/** A participant whose machines are told of: the real page, and the server's machine behind its WebSocket API. */
interface Inspected {
  readonly url: string;
  readonly page: Page;
  readonly token: string;
  invite(): void;
  kick(): void;
  close(): Promise<void>;
}

const started: Inspected[] = [];

async function startInspected(system: System): Promise<Inspected> {
  const { token, participantId } = await system.newToken('vp');
  const inspect = await startInspect({ port: 0, secret: SECRET });
  const actor = createActor(
    participantMachine.provide({
      actors: {
        prepare: fromPromise<Preparation, { invite: ParticipantInvite | null }>(async () => ({
          participantToken: token,
          participantId,
          asset: { name: 'pattern', url: 'pattern:', loop: true },
        })),
        enforceLeave: fromPromise<void, { participantId: string | null; stageArn: string | null }>(
          () => new Promise(() => {}),
        ),
      },
    }),
    { inspect: inspect.inspect },
  ).start();
  const api = await serveWebSocketApi({ actor, port: 0, origins: [system.pages.url], secret: SECRET });
  const context = await system.chromium.browser.createBrowserContext();
  const page = await context.newPage();
  const handover = { webSocketUrl: api.url, secret: SECRET, inspectUrl: inspect.url };
  await page.evaluateOnNewDocument(`window.__vp = ${JSON.stringify(handover)}`);
  await page.goto(system.pages.url);
  const inspected = {
    url: inspect.url,
    page,
    token,
    invite: () =>
      actor.send({
        type: 'invite.received',
        invite: {
          epoch: 1,
          stageArn: system.stageArn,
          assetName: 'pattern',
          loop: true,
          userId: null,
          attributes: {},
          maxDurationSeconds: null,
        },
      }),
    kick: () => actor.send({ type: 'kick.received', reason: 'ENOUGH' }),
    async close() {
      if (page.isClosed()) return;
      await context.close();
      actor.stop();
      await Promise.all([api.close(), inspect.close()]);
    },
  };
  started.push(inspected);
  return inspected;
}

/** The package's own receiver, and all that it got. */
function receive(url: string) {
  const heard: StatelyInspectionEvent[] = [];
  const waiting = new Set<() => void>();
  createWebSocketReceiver({ server: url }).subscribe((event) => {
    heard.push(event);
    for (const check of [...waiting]) check();
  });
  return {
    heard,
    /** Resolves once the machine of `source` is told to be in `state`, the name of an innermost one. */
    until: (source: string, state: string) =>
      new Promise<void>((resolve, reject) => {
        const check = () => {
          const last = heard.findLast((event) => sourceOf(event) === source && innermostOf(event).length > 0);
          if (last === undefined || !innermostOf(last).includes(state)) return;
          clearTimeout(timer);
          waiting.delete(check);
          resolve();
        };
        const timer = setTimeout(() => {
          waiting.delete(check);
          reject(new Error(`${source} was not told to be ${state} in ${UNTIL_TIMEOUT_MS} ms.`));
        }, UNTIL_TIMEOUT_MS);
        waiting.add(check);
        check();
      }),
  };
}

const sourceOf = ({ sessionId }: StatelyInspectionEvent) => sessionId.split('/')[0] ?? '';

/** The names of the innermost states of a machine, or how it ended. */
function innermostOf(event: StatelyInspectionEvent): string[] {
  if (event.type !== '@xstate.snapshot' || !('value' in event.snapshot)) return [];
  if (event.snapshot.status === 'stopped') return ['(stopped)'];
  const namesOf = (value: unknown): string[] =>
    typeof value === 'string' ? [value] : Object.values(value as object).flatMap(namesOf);
  return namesOf(event.snapshot.value);
}

/** The states that one source's machine went through, without repeats; of parallel ones that of `region`. */
function wayOf(heard: readonly StatelyInspectionEvent[], source: string, region: number): string[] {
  const states = heard
    .filter((event) => sourceOf(event) === source)
    .map((event) => innermostOf(event).at(region) ?? '');
  const told = states.filter((state) => state !== '');
  return told.filter((state, index) => state !== told[index - 1]);
}

describe('The inspection stream of a whole virtual participant', () => {
  let system: System;

  beforeAll(async () => {
    system = await startSystem();
  }, 30_000);
  afterEach(() => Promise.all(started.splice(0).map((inspected) => inspected.close())));
  afterAll(() => system.close());

  it('tells both machines in the order of time, from invite to kick, and no token', async () => {
    const inspected = await startInspected(system);
    const { heard, until } = receive(inspected.url);
    await until('participant', 'ready');
    inspected.invite();
    await until('participant', 'published');
    inspected.kick();
    await until('session-1', 'leaving');
    await until('participant', 'available');

    const names = heard.flatMap((event) =>
      event.type === '@xstate.actor' ? [`${sourceOf(event)}: ${event.name}`] : [],
    );
    const times = heard.map(({ createdAt }) => Number(createdAt));
    expect(names.toSorted()).toEqual([
      'participant: enforceLeave',
      'participant: participant',
      'participant: prepare',
      'session-1: session',
      'session-1: source',
      'session-1: stage',
    ]);
    expect(wayOf(heard, 'participant', -1)).toEqual([
      'available',
      'preparing',
      'joining',
      'connected',
      'published',
      'leaving',
      'available',
    ]);
    expect(wayOf(heard, 'session-1', 0).filter((state) => state !== 'joined')).toEqual([
      'idle',
      'joining',
      'publishing',
      'published',
      'leaving',
      'idle',
    ]);
    expect(times).toEqual(times.toSorted((one, other) => one - other));
    expect(heard.filter((event) => JSON.stringify(event).includes(inspected.token.slice(0, 20)))).toEqual([]);
  });

  it('tells that the machine of a page has stopped when the page is loaded anew, and goes on with the new one', async () => {
    const inspected = await startInspected(system);
    const { heard, until } = receive(inspected.url);
    await until('participant', 'ready');
    inspected.invite();
    await until('session-1', 'published');
    await inspected.page.reload();
    await until('session-2', 'published');
    await until('participant', 'published');

    expect(wayOf(heard, 'session-1', 0).at(-1)).toBe('(stopped)');
    expect(wayOf(heard, 'participant', -1)).toEqual([
      'available',
      'preparing',
      'joining',
      'connected',
      'published',
      'recovering',
      'connected',
      'published',
    ]);
  });

  it('is printed in a terminal by tail.ts, a line for each transition', async () => {
    const inspected = await startInspected(system);
    const { until } = receive(inspected.url);
    const tail = spawn(process.execPath, ['--import', 'tsx', TAIL, inspected.url]);
    const exit = once(tail, 'exit');
    let printed = '';
    tail.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    await Promise.all([until('participant', 'ready'), once(tail.stdout, 'data')]);
    inspected.invite();
    await until('participant', 'published');
    await inspected.close();
    const [code] = await exit;

    const lines = printed.trimEnd().split('\n');
    const transitions = lines.map((line) => line.replace(/^\d\d:\d\d:\d\d\.\d{3} {2}/, '').replaceAll(/ {2,}/g, '  '));
    expect(code).toBe(0);
    expect(transitions.filter((line) => line.startsWith('participant') && line.includes('session'))).toEqual([
      expect.stringMatching(/^participant {2}[\w.]+ {2}→ {2}.*serving\.session\.available$/),
      'participant  invite.received  serving.session.available  →  serving.session.active.invited.preparing',
      'participant  xstate.done.actor.prepare  serving.session.active.invited.preparing  →  serving.session.active.invited.joining',
      'participant  page.reported  serving.session.active.invited.joining  →  serving.session.active.connected',
      'participant  page.reported  serving.session.active.connected  →  serving.session.active.published',
      expect.stringMatching(/^participant {2}xstate\.stop {2}.*→ {2}\(stopped\)$/),
    ]);
    expect(transitions).toContain('session-1  session.start  idle  →  session.connection.joining');
    expect(transitions).toContain(
      'session-1  media.flowing  session.connection.publishing  →  session.connection.published',
    );
  });
});
