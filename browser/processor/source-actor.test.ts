import { jest } from '@jest/globals';
import { runActor } from '../testing/run-actor.ts';
import { SourceError } from './errors.ts';
import type { Source } from './source.ts';
import { createSourceActor, type SourceActorOptions } from './source-actor.ts';
import { FakeSources, type FakeTracks } from './testing/fake-source.ts';
import type { SessionTracks } from './tracks.ts';

const ASSET = { name: 'my.mp4', url: '/assets/my.mp4', loop: true };
const READY = { type: 'source.ready', source: { kind: 'fake', name: 'my.mp4' } };
const NOT_FOUND = {
  code: 'ASSET_NOT_FOUND',
  origin: 'caller',
  retryable: false,
  message: 'There is no asset "my.mp4".',
};

function stand({ asset = ASSET, ...options }: { asset?: typeof ASSET | null } & Partial<SourceActorOptions> = {}) {
  const fakes = new FakeSources();
  const seenTracks: (SessionTracks | null)[] = [];
  const seenSources: (Source | null)[] = [];
  const logic = createSourceActor({
    sourceFor: fakes.sourceFor,
    createTracks: fakes.createTracks,
    onTracks: (tracks) => seenTracks.push(tracks),
    onSource: (source) => seenSources.push(source),
    ...options,
  });
  return { actor: runActor(logic, { asset }), fakes, seenTracks, seenSources };
}

const settle = () => jest.advanceTimersByTimeAsync(0);
const closesOf = ({ sources, tracks }: FakeSources) => ({
  sources: sources.map(({ closes }) => closes),
  tracks: tracks.map(({ closes }: FakeTracks) => closes),
});

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

describe('opening', () => {
  it('begins with the actor: tracks first, then the source that fits the asset writes into them', () => {
    const asked: unknown[] = [];
    const fakes = new FakeSources();
    const { seenTracks, actor } = stand({
      createTracks: fakes.createTracks,
      sourceFor: (asset) => {
        asked.push(asset);
        return fakes.sourceFor();
      },
    });
    const { asset, outlet, signal } = fakes.latest;
    expect({ asked, asset, aborted: signal.aborted, events: actor.events }).toEqual({
      asked: [ASSET],
      asset: ASSET,
      aborted: false,
      events: [],
    });
    expect(outlet).toBe(fakes.tracks[0]?.outlet);
    expect(seenTracks).toEqual([fakes.tracks[0]]);
  });

  it('plays the pattern when the invite names no asset', () => {
    const { fakes } = stand({ asset: null });
    expect(fakes.latest.asset).toEqual({ name: 'pattern', url: 'pattern:', loop: true });
  });

  it('tells what the source is once it has a picture, and hands the source on', async () => {
    const { actor, fakes, seenSources } = stand();
    fakes.latest.open();
    await settle();
    expect([actor.events, seenSources]).toEqual([[READY], [fakes.latest]]);
  });
});

describe('a source', () => {
  it('that is over tells it', async () => {
    const { actor, fakes } = stand();
    fakes.latest.open();
    await settle();
    fakes.latest.listener.onEnded();
    expect(actor.events).toEqual([READY, { type: 'source.ended' }]);
  });

  it('that finds no picture tells its own failure', async () => {
    const { actor, fakes, seenSources } = stand();
    fakes.latest.refuse(new SourceError('ASSET_NOT_FOUND', 'There is no asset "my.mp4".'));
    await settle();
    expect([actor.events, seenSources]).toEqual([[{ type: 'source.failed', failure: NOT_FOUND }], []]);
  });

  it('that cannot go on tells its own failure', async () => {
    const { actor, fakes } = stand();
    fakes.latest.open();
    await settle();
    fakes.latest.listener.onFailed(new SourceError('ASSET_NOT_FOUND', 'There is no asset "my.mp4".'));
    expect(actor.events).toEqual([READY, { type: 'source.failed', failure: NOT_FOUND }]);
  });

  it.each<[string, unknown, string]>([
    ['an error', new TypeError('The frame is closed.'), 'The frame is closed.'],
    ['a text', 'out of memory', 'out of memory'],
  ])('that fails with %s that nobody foresaw is an INTERNAL failure that names the asset', async (_, error, said) => {
    const { actor, fakes } = stand();
    fakes.latest.refuse(error);
    await settle();
    expect(actor.events).toEqual([
      {
        type: 'source.failed',
        failure: {
          code: 'INTERNAL',
          origin: 'participant',
          retryable: true,
          message: `The asset "my.mp4" could not be opened: ${said}`,
        },
      },
    ]);
  });
});

describe('a browser', () => {
  const unsupported = new SourceError('SOURCE_UNSUPPORTED', 'Use Chromium.');
  const failed = {
    type: 'source.failed',
    failure: { code: 'SOURCE_UNSUPPORTED', origin: 'participant', retryable: false, message: 'Use Chromium.' },
  };

  it('that makes no tracks is a failure, and no source is opened', () => {
    const { actor, fakes } = stand({
      createTracks: () => {
        throw unsupported;
      },
    });
    expect([actor.events, fakes.sources]).toEqual([[failed], []]);
  });

  it('for which there is no source is a failure, and its tracks are closed in the end', () => {
    const { actor, fakes } = stand({
      sourceFor: () => {
        throw unsupported;
      },
    });
    actor.stop();
    expect([actor.events, closesOf(fakes)]).toEqual([[failed], { sources: [], tracks: [1] }]);
  });
});

describe('the end of the session', () => {
  it('closes the source and the tracks, once each, and takes both back', async () => {
    const { actor, fakes, seenTracks, seenSources } = stand();
    fakes.latest.open();
    await settle();
    actor.stop();
    expect([closesOf(fakes), seenTracks, seenSources]).toEqual([
      { sources: [1], tracks: [1] },
      [fakes.tracks[0], null],
      [fakes.latest, null],
    ]);
  });

  it('aborts a source that is still opening, and what that says is heard by nobody', async () => {
    const { actor, fakes } = stand();
    const { signal } = fakes.latest;
    signal.addEventListener('abort', () => fakes.latest.refuse(signal.reason));
    actor.stop();
    await settle();
    expect([actor.events, signal.reason.name, closesOf(fakes)]).toEqual([
      [],
      'AbortError',
      { sources: [0], tracks: [1] },
    ]);
  });

  it('closes a source that opens in spite of it', async () => {
    const { actor, fakes, seenSources } = stand();
    actor.stop();
    fakes.latest.open();
    await settle();
    expect([actor.events, closesOf(fakes), seenSources]).toEqual([[], { sources: [1], tracks: [1] }, [null]]);
  });

  it('makes a source that goes on talking be heard by nobody', async () => {
    const { actor, fakes } = stand();
    fakes.latest.open();
    await settle();
    actor.stop();
    fakes.latest.listener.onEnded();
    fakes.latest.listener.onFailed(new Error('The writer is closed.'));
    expect(actor.events).toEqual([READY]);
  });
});
