import type { VirtualParticipant } from './support/virtual-participant.ts';
import { startWholeSystem, type WholeSystem } from './support/whole-system.ts';

/** Longer than it takes to be kicked and free again. */
const HELD_MS = 1_500;

let system: WholeSystem;
let vp: VirtualParticipant;

beforeAll(async () => {
  system = await startWholeSystem();
  vp = await system.start('vp');
  await vp.until('AVAILABLE');
}, 60_000);
afterEach(async () => {
  await system.clearFaults();
  await vp.release();
});
afterAll(async () => {
  await system.close();
  expect([system.illegalSteps(), system.leaks()]).toEqual([[], []]);
}, 60_000);

/** Holds until what was held is let go, with the next invite's picture as the clock, and tells how the first came out. */
async function expectOutcome(userId: string, published: boolean): Promise<void> {
  await vp.until('AVAILABLE');
  await vp.invite();
  const next = await vp.until('PUBLISHED');
  await system.viewer.untilMoreFrames(next.participantId ?? '', (HELD_MS * 30) / 1_000);
  await system.untilParticipant(userId, { state: 'DISCONNECTED', published });
  await system.untilPresent(['vp']);
}

describe('A kick ends an invite, and nothing is published after it, when the participant is', () => {
  it('INVITED and its token is being made', async () => {
    const epoch = await vp.invite();
    await vp.kick();
    await vp.until('AVAILABLE');
    expect(vp.statuses(epoch)).toEqual(['INVITED', 'KICKED', 'AVAILABLE']);
    await system.untilPresent([]);
  });

  it('INVITED and its join is held', async () => {
    await system.fault({ participantId: '*', step: 'join', action: 'delay', delayMs: HELD_MS });
    const epoch = await vp.invite({ userId: 'held in joining' });
    await system.untilStruck();
    await vp.kick();
    await expectOutcome('held in joining', false);
    expect(vp.statuses(epoch)).toEqual(['INVITED', 'KICKED', 'AVAILABLE']);
  });

  it('CONNECTED and its offer is held', async () => {
    await system.fault({ participantId: '*', step: 'offer', action: 'delay', delayMs: HELD_MS, direction: 'publish' });
    const epoch = await vp.invite({ userId: 'held in publishing' });
    await system.untilStruck();
    await vp.until('CONNECTED');
    await vp.kick();
    await expectOutcome('held in publishing', false);
    expect(vp.statuses(epoch)).toEqual(['INVITED', 'CONNECTED', 'KICKED', 'AVAILABLE']);
  });

  it('PUBLISHED', async () => {
    const epoch = await vp.invite({ userId: 'published' });
    await vp.until('PUBLISHED');
    await vp.kick();
    await expectOutcome('published', true);
    expect(vp.statuses(epoch)).toEqual(['INVITED', 'CONNECTED', 'PUBLISHED', 'KICKED', 'AVAILABLE']);
  });
});
