import { jest } from '@jest/globals';
import type { Inspection } from '../../machines/inspection.ts';
import { HOLD_MS } from './in-order.ts';
import { InspectionStream } from './stream.ts';
import { actorAt, eventAt, stateAt } from './testing/inspections.ts';

const NOW_MS = 1_700_000_000_000;

function receive(stream: InspectionStream) {
  const heard: Inspection[] = [];
  const unsubscribe = stream.subscribe((text) => heard.push(JSON.parse(text)));
  return { heard, unsubscribe };
}

beforeEach(() => {
  jest.useFakeTimers({ now: NOW_MS });
});
afterEach(() => {
  jest.useRealTimers();
});

describe('InspectionStream', () => {
  it('tells actors of equal ids in different sources apart', () => {
    const stream = new InspectionStream();
    const { heard } = receive(stream);
    for (const name of ['participant', 'session-1']) {
      const source = stream.source(name);
      source.take(actorAt(NOW_MS, 'x:1', 'x:0'));
      source.take({ ...eventAt(NOW_MS, { type: 'go' }, 'x:1'), sourceId: 'x:0' });
    }
    stream.flush();

    expect(
      heard.map(({ sessionId, rootId, ...rest }) => [
        sessionId,
        rootId,
        'parentId' in rest ? rest.parentId : null,
        'sourceId' in rest ? rest.sourceId : null,
      ]),
    ).toEqual([
      ['participant/x:1', 'participant/x:0', 'participant/x:0', null],
      ['participant/x:1', 'participant/x:0', null, 'participant/x:0'],
      ['session-1/x:1', 'session-1/x:0', 'session-1/x:0', null],
      ['session-1/x:1', 'session-1/x:0', null, 'session-1/x:0'],
    ]);
  });

  it('tells what happened in one source between two moments of another in its place', () => {
    const stream = new InspectionStream();
    const [server, page] = [stream.source('participant'), stream.source('session-1')];
    const { heard } = receive(stream);
    server.take(stateAt(NOW_MS - 30, 'invited'));
    server.take(stateAt(NOW_MS - 10, 'connected'));
    page.take(stateAt(NOW_MS - 20, 'joined'));
    jest.advanceTimersByTime(HOLD_MS);

    expect(
      heard.map((told) => told.type === '@xstate.snapshot' && 'value' in told.snapshot && told.snapshot.value),
    ).toEqual(['invited', 'joined', 'connected']);
  });

  it('tells a receiver that comes late each actor and its present state, and nothing of what was before', () => {
    const stream = new InspectionStream();
    const source = stream.source('participant');
    source.take(actorAt(NOW_MS));
    source.take(stateAt(NOW_MS, 'available'));
    source.take(stateAt(NOW_MS, 'invited'));
    stream.flush();
    const { heard, unsubscribe } = receive(stream);
    source.take(stateAt(NOW_MS, 'connected'));
    stream.flush();
    unsubscribe();
    source.take(stateAt(NOW_MS, 'published'));
    stream.flush();

    expect(heard.map((told) => (told.type === '@xstate.snapshot' ? told.snapshot : told.type))).toEqual([
      '@xstate.actor',
      { status: 'active', value: 'invited' },
      { status: 'active', value: 'connected' },
    ]);
  });

  it('tells that the actors of a source have stopped when it ends, and nobody who comes then of them', () => {
    const stream = new InspectionStream();
    const page = stream.source('session-1');
    const { heard } = receive(stream);
    page.take(actorAt(NOW_MS));
    page.take(stateAt(NOW_MS, 'joined'));
    jest.advanceTimersByTime(5);
    page.end();

    expect(heard.at(-1)).toEqual({
      ...stateAt(NOW_MS + 5, 'joined', { sessionId: 'session-1/x:0', event: 'xstate.stop', status: 'stopped' }),
      rootId: 'session-1/x:0',
    });
    expect(receive(stream).heard).toEqual([]);
  });

  it('leaves out secrets wherever they are, by their name or by their shape', () => {
    const stream = new InspectionStream();
    const source = stream.source('participant');
    const { heard } = receive(stream);
    const jwt = ['eyJhbGciOiJFUzM4NCJ9', 'eyJleHAiOjE3MDAwMDAwMDB9', 'c2lnbmF0dXJl'.repeat(5)].join('.');
    source.take(
      eventAt(NOW_MS, {
        type: 'xstate.done.actor.prepare',
        output: { participantToken: 'opaque', asset: { url: `/a.mp4?token=${jwt}` } },
        error: new Error(`Refused: ${jwt}`),
      }),
    );
    stream.flush();

    const [told] = heard;
    const event = told?.type === '@xstate.event' ? told.event : null;
    expect(event).toEqual({
      type: 'xstate.done.actor.prepare',
      output: { participantToken: '[redacted]', asset: { url: '/a.mp4?token=[redacted]' } },
      error: { type: 'Error', message: 'Refused: [redacted]', stack: event?.['error'].stack },
    });
    expect(JSON.stringify(heard)).not.toContain('eyJ');
  });
});
