import { openParticipant, openViewer, type ViewerPage } from './support/pages.ts';
import { type System, startSystem } from './support/system.ts';

describe('A page with a token in its address', () => {
  let system: System;
  let viewer: ViewerPage;

  beforeAll(async () => {
    system = await startSystem();
    viewer = await openViewer(system);
  }, 30_000);
  afterAll(() => system.close());

  it('publishes the test card, which a viewer decodes, and is gone for the viewer when it leaves', async () => {
    const { token, participantId } = await system.newToken('vp');
    const participant = await openParticipant(system, token);

    const published = await participant.untilState('published');
    const frame = await viewer.untilFrame(participantId);
    expect(published).toMatchObject({ participantId, source: 'capture', rejoins: 0 });
    expect(frame).toBeGreaterThanOrEqual(1);
    expect(frame).toBeLessThanOrEqual(300);

    await participant.page.click('#leave');
    await viewer.untilGone(participantId);
    const messages = participant.told.filter(({ type }) => type !== 'vp.stats').map(({ type }) => type);
    expect(messages).toEqual(['vp.joined_stage', 'vp.published', 'vp.unpublished', 'vp.left_stage']);
    await participant.page.close();
  });

  it('takes the token out of the address bar, and no log of the page has it', async () => {
    const { token } = await system.newToken('vp');
    const participant = await openParticipant(system, token, '&asset=counter.mp4');
    await participant.untilState('published');

    expect(participant.page.url()).toBe(`${system.pages.url}/?asset=counter.mp4`);
    expect(await participant.page.evaluate('history.length')).toBe(2);
    expect(participant.logged.filter((line) => line.includes(token))).toEqual([]);
    expect(JSON.stringify(participant.told)).not.toContain(token);
    await participant.page.close();
  });

  it('publishes a test pattern without any file when the asset is "pattern"', async () => {
    const { token, participantId } = await system.newToken('vp');
    const participant = await openParticipant(system, token, '&asset=pattern');

    const published = await participant.untilState('published');
    await viewer.untilMoreFrames(participantId, 30);

    expect(published).toMatchObject({ source: 'pattern' });
    await participant.page.close();
  });

  it('publishes beside another, and a viewer decodes both', async () => {
    const [one, other] = await Promise.all([system.newToken('one'), system.newToken('other')]);
    const pages = await Promise.all([openParticipant(system, one.token), openParticipant(system, other.token)]);

    await Promise.all([
      viewer.untilFrame(one.participantId),
      viewer.untilFrame(other.participantId),
      viewer.untilMoreFrames(one.participantId, 30),
      viewer.untilMoreFrames(other.participantId, 30),
    ]);

    for (const { page } of pages) await page.close();
    await viewer.untilGone(one.participantId);
    await viewer.untilGone(other.participantId);
  });
});

describe('A page without a token', () => {
  let system: System;

  beforeAll(async () => {
    system = await startSystem();
  }, 30_000);
  afterAll(() => system.close());

  it('asks for one, and joins with what is pasted, which no address ever has', async () => {
    const { token } = await system.newToken('vp');
    const participant = await openParticipant(system, '', '&asset=counter.mp4&loop=false');
    const urls: string[] = [];
    participant.page.on('request', (request) => urls.push(request.url()));
    expect(await participant.page.$eval('main', ({ textContent }) => textContent)).toContain(
      'needs a participant token',
    );

    await participant.page.type('input[name=token]', ` ${token} `);
    await participant.page.click('#ask button');
    await participant.untilState('published');

    const address = `${system.pages.url}/?token=&asset=counter.mp4&loop=false`;
    expect([participant.page.url(), urls[0]]).toEqual([address, address]);
    expect(urls.filter((url) => url.includes(token))).toEqual([]);
  });
});
