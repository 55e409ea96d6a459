import { jest } from '@jest/globals';
import { createActor, createMachine } from 'xstate';
import type { Inspection } from '../machines/inspection.ts';
import { inspectTo } from './inspect.ts';
import { FakeSources } from './processor/testing/fake-source.ts';
import { startSession } from './session.ts';
import { FakeStage } from './stage/testing/fake-stage.ts';
import { FakeSocket } from './testing/fake-socket.ts';

const ADDRESS = 'ws://127.0.0.1:3002';
const JWT = ['eyJhbGciOiJFUzM4NCJ9', 'eyJleHAiOjE3MDAwMDAwMDB9', 'c2lnbmF0dXJl'.repeat(5)].join('.');
const RETRY_MS = 5_000;

const switchMachine = createMachine({
  id: 'switch',
  initial: 'off',
  on: { '*': {} },
  states: { off: { on: { turn: 'on' } }, on: { on: { turn: 'off' } } },
});

/** A switch that is told of. It is `off` at first. */
function startSwitch(secret?: string) {
  const actor = createActor(switchMachine, { inspect: inspectTo(ADDRESS, secret) }).start();
  return { turn: () => actor.send({ type: 'turn' }), send: (event: { type: string }) => actor.send(event) };
}

const socket = (index: number): FakeSocket => {
  const made = FakeSocket.made[index];
  if (made === undefined) throw new Error(`Only ${FakeSocket.made.length} sockets were made.`);
  return made;
};

/** What was sent, in short. */
const heardBy = ({ sent }: FakeSocket) =>
  sent.map((text) => {
    const told = JSON.parse(text) as Inspection;
    if (told.type === '@xstate.actor') return told.name;
    return told.type === '@xstate.event' ? told.event.type : (told.snapshot as { value?: unknown }).value;
  });

const realWebSocket = globalThis.WebSocket;
beforeEach(() => {
  jest.useFakeTimers();
  FakeSocket.made = [];
  globalThis.WebSocket = FakeSocket as unknown as typeof WebSocket;
});
afterEach(() => {
  jest.useRealTimers();
  globalThis.WebSocket = realWebSocket;
});

describe('inspectTo', () => {
  it('tells what came before the connection stood, then what happens', () => {
    const { turn } = startSwitch();
    turn();
    socket(0).open();
    turn();

    expect(heardBy(socket(0))).toEqual(['switch', 'xstate.init', 'off', 'turn', 'on', 'turn', 'off']);
    expect([socket(0).url, socket(0).protocols]).toEqual([ADDRESS, []]);
  });

  it('proves by its subprotocol that it is the page', () => {
    startSwitch('secret');

    expect([socket(0).url, socket(0).protocols]).toEqual([ADDRESS, ['secret']]);
  });

  it('connects again when the connection broke, and then tells the present states and what came of them', () => {
    const { turn } = startSwitch();
    socket(0).open();
    socket(0).end();
    turn();
    jest.advanceTimersByTime(RETRY_MS - 1);
    expect(FakeSocket.made.length).toBe(1);
    jest.advanceTimersByTime(1);
    socket(1).open();

    expect(heardBy(socket(1))).toEqual(['switch', 'off', 'turn', 'on']);
  });

  it('keeps no more than 500 events without a connection: then it tells the present states instead', () => {
    const { turn } = startSwitch();
    for (let turns = 1; turns <= 249; turns += 1) turn();
    socket(0).open();

    expect(heardBy(socket(0))).toEqual(['switch', 'on']);
  });

  it('gives up a server that takes nothing, and tells it the present states when it is there again', () => {
    const { turn } = startSwitch();
    socket(0).open();
    socket(0).bufferedAmount = 1_048_577;
    turn();
    expect([socket(0).readyState, heardBy(socket(0))]).toEqual([2, ['switch', 'xstate.init', 'off']]);
    socket(0).end();
    jest.advanceTimersByTime(RETRY_MS);
    socket(1).open();

    expect(heardBy(socket(1))).toEqual(['switch', 'on']);
  });

  it('tells an outline of what cannot be JSON, and never throws', () => {
    const { send } = startSwitch();
    socket(0).open();
    const circular: { type: string; self?: object } = { type: 'strange' };
    circular.self = circular;
    send(circular);

    const [event, state] = socket(0)
      .sent.slice(3)
      .map((text) => JSON.parse(text));
    expect([event.type, event.event]).toEqual(['@xstate.event', { type: 'strange' }]);
    expect([state.type, state.event, state.snapshot]).toEqual([
      '@xstate.snapshot',
      { type: 'strange' },
      { status: 'active', value: 'off' },
    ]);
  });

  it('tells of a whole session nothing that holds its token', async () => {
    const session = startSession({ ...new FakeSources(40), stage: new FakeStage(), inspect: inspectTo(ADDRESS) });
    socket(0).open();
    session.actor.send({
      type: 'session.start',
      invite: { epoch: 1, participantToken: JWT, stageArn: `arn of ${JWT}`, asset: null },
    });
    await jest.advanceTimersByTimeAsync(1_000);
    session.actor.send({ type: 'session.stop', reason: JWT });
    session.actor.send({
      type: 'session.start',
      invite: { epoch: 2, participantToken: 'opaque-token', stageArn: null, asset: null },
    });
    await jest.advanceTimersByTimeAsync(1_000);

    const { sent } = socket(0);
    const names = heardBy(socket(0)).filter((told) => ['session', 'source', 'stage'].includes(String(told)));
    expect(names).toEqual(['session', 'source', 'stage', 'source', 'stage']);
    expect(sent.filter((text) => /eyJ|opaque-token/.test(text))).toEqual([]);
    session.actor.stop();
  });
});
