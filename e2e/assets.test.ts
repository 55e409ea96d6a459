import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openParticipant } from './support/pages.ts';
import { COUNTER, type System, startSystem } from './support/system.ts';

let system: System;

beforeAll(async () => {
  system = await startSystem(['cut-in-index.mp4', 'cut-in-media.mp4', 'text.mp4', 'empty.mp4']);
  const counter = await readFile(COUNTER);
  await Promise.all([
    writeFile(join(system.assetsDir, 'cut-in-index.mp4'), counter.subarray(0, 2_000)),
    writeFile(join(system.assetsDir, 'cut-in-media.mp4'), counter.subarray(0, Math.floor(counter.length / 2))),
    writeFile(join(system.assetsDir, 'text.mp4'), 'This is no video.\n'.repeat(1_000)),
    writeFile(join(system.assetsDir, 'empty.mp4'), ''),
  ]);
}, 30_000);
afterAll(() => system.close());

describe('A page whose asset cannot be played fails, says which asset and why, and leaves the stage', () => {
  it.each([
    ['is missing', 'no such file.mp4', 'ASSET_NOT_FOUND'],
    ['is no video', 'text.mp4', 'ASSET_UNPLAYABLE'],
    ['is empty', 'empty.mp4', 'ASSET_UNPLAYABLE'],
    ['is cut within its index', 'cut-in-index.mp4', 'ASSET_UNPLAYABLE'],
    ['ends in the middle of its media', 'cut-in-media.mp4', 'ASSET_UNPLAYABLE'],
  ])(
    'when it %s',
    async (_what, name, code) => {
      const { token } = await system.newToken('vp');
      const participant = await openParticipant(system, token, `&asset=${encodeURIComponent(name)}`);

      const failed = await participant.untilState('failed', 20_000);

      expect(failed).toMatchObject({ code, participantId: null });
      const said = await participant.page.$eval('.sentence', ({ textContent }) => textContent);
      expect(said).toContain(`"${name}"`);
      await participant.page.close();
    },
    30_000,
  );
});

describe('An asset that does not loop', () => {
  it('ends the session when it is over', async () => {
    const { token } = await system.newToken('vp');
    const participant = await openParticipant(system, token, '&loop=false');
    await participant.untilState('published');
    participant.forget();

    const over = await participant.untilState('idle', 20_000);

    expect(over).toMatchObject({ reason: 'ENDED', participantId: null });
  }, 40_000);
});
