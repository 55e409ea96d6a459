import { parseInspection } from './parse.ts';
import { actorAt, eventAt, stateAt } from './testing/inspections.ts';

const NOW_MS = 1_700_000_000_000;

describe('parseInspection', () => {
  it.each([
    ['an actor', actorAt(NOW_MS, 'x:1', 'x:0')],
    ['an event', eventAt(NOW_MS, { type: 'go', fast: true })],
    ['a snapshot', stateAt(NOW_MS, { a: 'b' })],
  ])('reads %s as it was told', (_, inspection) => {
    expect(parseInspection(JSON.stringify(inspection))).toEqual(inspection);
  });

  it.each([
    ['no JSON', '{'],
    ['no object', '7'],
    ['another type', JSON.stringify({ ...stateAt(NOW_MS, 'a'), type: '@xstate.action' })],
    ['no session', JSON.stringify({ ...stateAt(NOW_MS, 'a'), sessionId: undefined })],
    ['a name that is too long', JSON.stringify({ ...actorAt(NOW_MS), name: 'n'.repeat(101) })],
    ['no time', JSON.stringify({ ...stateAt(NOW_MS, 'a'), createdAt: 'now' })],
    ['an event without a type', JSON.stringify({ ...eventAt(NOW_MS, { type: 'go' }), event: {} })],
    ['a snapshot without a status', JSON.stringify({ ...stateAt(NOW_MS, 'a'), snapshot: {} })],
  ])('reads nothing in %s', (_, text) => {
    expect(parseInspection(text)).toBe(null);
  });
});
