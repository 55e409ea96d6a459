import { Faults } from '../control/faults.ts';
import { Registry } from '../model/registry.ts';
import { FakeClock } from '../testing/fake-clock.ts';
import { FakePublication, FakeSfu } from '../testing/fake-sfu.ts';
import { type LocalStage, offer, startLocalStage } from '../testing/local-stage.ts';
import { Media } from '../whip/media.ts';
import { createSnapshots, type Snapshot } from './snapshot.ts';

describe('the page', () => {
  let stage: LocalStage;

  beforeEach(async () => {
    stage = await startLocalStage();
  });

  afterEach(() => stage.close());

  test.each([
    ['/', 'text/html; charset=utf-8'],
    ['/page.js', 'text/javascript; charset=utf-8'],
    ['/page.css', 'text/css; charset=utf-8'],
  ])('has %s, and loads nothing from elsewhere', async (path, type) => {
    const response = await fetch(new URL(path, stage.url));
    expect([
      response.status,
      response.headers.get('content-type'),
      response.headers.get('content-security-policy'),
    ]).toEqual([200, type, "default-src 'self'"]);
  });

  test('is told at once of who comes', async () => {
    const reader = (await fetch(`${stage.url}/live`)).body?.pipeThrough(new TextDecoderStream()).getReader();
    const next = async (): Promise<Snapshot> =>
      JSON.parse(((await reader?.read())?.value ?? '').replace(/^data: /, ''));
    expect((await next()).stages).toEqual([
      { arn: stage.arn, name: 'test', sessionId: null, sessionStartTimeMs: null, participants: [] },
    ]);
    const { token, participantId } = await stage.token({ userId: 'obs' });
    await offer(stage, '/whip', token);
    expect((await next()).stages[0]?.participants).toEqual([
      {
        id: participantId,
        userId: 'obs',
        attributes: {},
        isPublishing: true,
        audioMuted: false,
        videoStopped: false,
        isConnected: false,
        publication: { state: 'connecting', codec: null, videoKbps: 0, audioKbps: 0, fps: 0, subscribers: 0 },
        subscribedTo: [],
      },
    ]);
    await reader?.cancel();
  });
});

describe('a snapshot', () => {
  const LIMITS = { stages: 9, publicKeys: 9, publishersPerStage: 9, participantsPerStage: 9 };
  const identity = (participantId: string) => ({
    participantId,
    userId: '',
    attributes: {},
    capabilities: { publish: true, subscribe: true },
  });

  async function setUp() {
    const clock = new FakeClock();
    const registry = new Registry(clock, 1_000);
    const faults = new Faults();
    const sfu = new FakeSfu();
    const media = new Media(sfu, registry, faults, clock, LIMITS);
    const stage = registry.createStage('s', {});
    const offerSdp = 'v=0\r\ns=offer\r\n';
    await media.publish({ stage, identity: identity('a') }, {}, offerSdp);
    await media.subscribe({ stage, identity: identity('b') }, {}, 'a', offerSdp);
    const publication = sfu.publications[0] ?? new FakePublication();
    const take = createSnapshots({ registry, media, events: { isConnected: () => true }, faults, clock });
    return { clock, publication, take: () => take().stages[0]?.participants };
  }

  test('has the rates of the time since the last one', async () => {
    const { clock, publication, take } = await setUp();
    take();
    publication.connect();
    publication.counters = {
      audio: { packets: 100, bytes: 16_000 },
      video: { packets: 600, bytes: 625_000, frames: 60, codec: 'video/H264' },
    };
    clock.advance(2_000);
    expect(take()?.map((one) => [one.publication, one.subscribedTo])).toEqual([
      [{ state: 'connected', codec: 'H264', videoKbps: 2_500, audioKbps: 64, fps: 30, subscribers: 1 }, []],
      [null, ['a']],
    ]);
  });

  test('keeps the rates when it is taken again too soon to tell', async () => {
    const { clock, publication, take } = await setUp();
    take();
    publication.counters.video.frames = 30;
    clock.advance(1_000);
    take();
    clock.advance(100);
    expect(take()?.[0]?.publication?.fps).toBe(30);
  });
});
