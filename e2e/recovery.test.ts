import { openParticipant, openViewer, type ParticipantPage, type ViewerPage } from './support/pages.ts';
import { type System, startSystem } from './support/system.ts';

let system: System;
let viewer: ViewerPage;

beforeAll(async () => {
  system = await startSystem();
  viewer = await openViewer(system);
}, 30_000);
afterAll(() => system.close());

type Disturb = (participant: ParticipantPage, participantId: string) => Promise<void>;

const disturbances: [name: string, disturb: Disturb][] = [
  ['the events socket is cut', (_, participantId) => system.fault({ participantId, step: 'events', action: 'cut' })],
  [
    'the media path is closed by the stage',
    (_, participantId) => system.fault({ participantId, step: 'media', action: 'cut', direction: 'publish' }),
  ],
  [
    'the media path goes dark',
    (_, participantId) => system.fault({ participantId, step: 'media', action: 'drop', direction: 'publish' }),
  ],
  [
    'the stage throws it out without a reason',
    (_, participantId) => system.fault({ participantId, step: 'events', action: 'refuse', code: 'MAINTENANCE' }),
  ],
  [
    'the page is reloaded',
    async (participant) => {
      await participant.page.reload();
    },
  ],
];

describe('A page that is published is published again, and seen, when', () => {
  it.each(disturbances)('%s', async (_name, disturb) => {
    const { token, participantId } = await system.newToken('vp');
    const participant = await openParticipant(system, token);
    await participant.untilState('published');
    await viewer.untilFrame(participantId);

    await disturb(participant, participantId);

    await viewer.untilMoreFrames(participantId, 60, 15_000);
    await participant.untilState('published');
    await participant.page.close();
    await viewer.untilGone(participantId);
  });
});

describe('A page that has joined and is not yet published gets there when', () => {
  it.each(disturbances)('%s', async (_name, disturb) => {
    const { token, participantId } = await system.newToken('vp');
    await system.fault({ participantId, step: 'offer', action: 'delay', delayMs: 1_500 });
    const participant = await openParticipant(system, token);
    await participant.untilState('publishing');

    await disturb(participant, participantId);

    await participant.untilState('published', 15_000);
    await viewer.untilMoreFrames(participantId, 30, 15_000);
    await participant.page.close();
    await viewer.untilGone(participantId);
  });
});

describe('A page that cannot join or publish at once gets there when', () => {
  it.each([
    ['its first events sockets are refused', { step: 'join', action: 'cut', count: 2 }],
    ['its first offer is answered 500', { step: 'offer', action: 'refuse', status: 500 }],
    ['its first offer is never answered', { step: 'offer', action: 'drop' }],
    ['its media is late', { step: 'media', action: 'delay', delayMs: 1_000 }],
  ])(
    '%s',
    async (_name, fault) => {
      const { token, participantId } = await system.newToken('vp');
      await system.fault({ participantId, ...fault });
      const participant = await openParticipant(system, token);

      await participant.untilState('published', 25_000);
      await viewer.untilMoreFrames(participantId, 30, 15_000);
      await participant.page.close();
      await viewer.untilGone(participantId);
    },
    60_000,
  );
});
