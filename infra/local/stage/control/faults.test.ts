import { parseFault } from './control-server.ts';
import { type Fault, Faults, type Target } from './faults.ts';

const spec = (fault: object) => parseFault(JSON.stringify({ participantId: 'a', action: 'drop', ...fault }));

function target(participantId: string, direction?: 'publish' | 'subscribe') {
  const log: string[] = [];
  const one: Target = {
    participantId,
    ...(direction !== undefined && { direction }),
    strike({ action }: Fault) {
      log.push(action);
      return () => void log.push('healed');
    },
  };
  return { one, log };
}

describe('a fault', () => {
  test('strikes the step of its participant as often as it may', () => {
    const faults = new Faults();
    faults.add(spec({ step: 'join', count: 2 }));
    expect(faults.take('join', 'b')).toBeUndefined();
    expect(faults.take('offer', 'a')).toBeUndefined();
    expect(faults.take('join', 'a')).toMatchObject({ action: 'drop', count: 2 });
    expect(faults.take('join', 'a')).toMatchObject({ action: 'drop', count: 1 });
    expect(faults.take('join', 'a')).toBeUndefined();
  });

  test('strikes in the order in which they were asked for', () => {
    const faults = new Faults();
    faults.add(spec({ step: 'join' }));
    faults.add(spec({ step: 'join', action: 'cut' }));
    expect([faults.take('join', 'a')?.action, faults.take('join', 'a')?.action]).toEqual(['drop', 'cut']);
  });

  test('strikes only in its direction', () => {
    const faults = new Faults();
    faults.add(spec({ step: 'offer', direction: 'subscribe' }));
    expect(faults.take('offer', 'a', 'publish')).toBeUndefined();
    expect(faults.take('offer', 'a', 'subscribe')).toMatchObject({ direction: 'subscribe' });
  });

  test('strikes at once what is open of its participant', () => {
    const faults = new Faults();
    const mine = target('a', 'publish');
    const others = target('b', 'publish');
    faults.watch('media', mine.one);
    faults.watch('media', others.one);
    faults.add(spec({ step: 'media' }));
    expect([mine.log, others.log, faults.armed]).toEqual([['drop'], [], []]);
  });

  test('waits for the next to come when it is for anybody', () => {
    const faults = new Faults();
    const here = target('a');
    const next = target('b');
    faults.watch('events', here.one);
    faults.add(spec({ step: 'events', participantId: '*' }));
    faults.strike('events', next.one);
    expect([here.log, next.log, faults.armed]).toEqual([[], ['drop'], []]);
  });

  test('is healed and disarmed when it is cleared, for one participant or for all', () => {
    const faults = new Faults();
    const [a, b] = [target('a'), target('b')];
    for (const { one } of [a, b]) faults.watch('events', one);
    faults.add(spec({ step: 'events', count: 2 }));
    faults.add(spec({ step: 'events', participantId: 'b' }));
    faults.clear('a');
    expect([a.log, b.log, faults.armed]).toEqual([['drop', 'healed'], ['drop'], []]);
    faults.clear();
    expect(b.log).toEqual(['drop', 'healed']);
  });

  test('is not healed on what has closed', () => {
    const faults = new Faults();
    const { one, log } = target('a');
    const unwatch = faults.watch('events', one);
    faults.add(spec({ step: 'events' }));
    unwatch();
    faults.clear();
    expect(log).toEqual(['drop']);
  });
});
