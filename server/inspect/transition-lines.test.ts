import { actorAt, eventAt, stateAt } from './testing/inspections.ts';
import { TransitionLines } from './transition-lines.ts';

const AT = new Date(2026, 0, 2, 3, 4, 5, 6).getTime();
const inPage = (sessionId: string) => ({ sessionId });

describe('TransitionLines', () => {
  it('writes time, machine and event of each transition, and what was left and entered', () => {
    const lines = new TransitionLines();

    expect([
      lines.lineOf(stateAt(AT, 'idle', { sessionId: 'session-1/x:0', event: 'xstate.init' })),
      lines.lineOf(
        stateAt(AT, { session: { connection: 'joining' } }, { sessionId: 'session-1/x:0', event: 'session.start' }),
      ),
    ]).toEqual([
      '03:04:05.006  session-1    xstate.init                      →  idle',
      '03:04:05.006  session-1    session.start                    idle  →  session.connection.joining',
    ]);
  });

  it('writes of parallel states only those that changed', () => {
    const lines = new TransitionLines();
    lines.lineOf(stateAt(AT, { serving: { control: 'offline', page: 'absent' } }, inPage('participant/x:0')));

    const online = stateAt(AT, { serving: { control: 'online', page: 'absent' } }, inPage('participant/x:0'));
    expect(lines.lineOf(online)).toBe(
      '03:04:05.006  participant  go                               serving.control.offline  →  serving.control.online',
    );
  });

  it('tells machines of different sources apart', () => {
    const lines = new TransitionLines();
    lines.lineOf(stateAt(AT, 'a', inPage('session-1/x:0')));

    expect([
      lines.lineOf(stateAt(AT, 'b', inPage('session-2/x:0'))),
      lines.lineOf(stateAt(AT, 'c', inPage('session-1/x:0'))),
    ]).toEqual([
      '03:04:05.006  session-2    go                               →  b',
      '03:04:05.006  session-1    go                               a  →  c',
    ]);
  });

  it.each(['stopped', 'error'])('writes that a machine has ended as %s', (status) => {
    const lines = new TransitionLines();
    lines.lineOf(stateAt(AT, 'a'));

    expect(lines.lineOf(stateAt(AT, 'a', { status }))).toBe(
      `03:04:05.006  x:0          go                               a  →  (${status})`,
    );
  });

  it('writes nothing of an event that changed no state, of an actor without states, and of what is no snapshot', () => {
    const lines = new TransitionLines();
    lines.lineOf(stateAt(AT, 'a'));

    expect([
      lines.lineOf(stateAt(AT, 'a')),
      lines.lineOf(stateAt(AT, undefined, inPage('participant/x:1'))),
      lines.lineOf(actorAt(AT)),
      lines.lineOf(eventAt(AT, { type: 'go' })),
    ]).toEqual([null, null, null, null]);
  });

  it('writes no control character, which could take over the terminal', () => {
    expect(new TransitionLines().lineOf(stateAt(AT, '\u001b[2Jidle', { event: 'a\nb' }))).toBe(
      '03:04:05.006  x:0          a?b                              →  ?[2Jidle',
    );
  });
});
