import type { Asset } from '../../../machines/protocol.ts';
import type { OpenSource, Outlet, Source, SourceListener } from '../source.ts';
import type { SessionTracks } from '../tracks.ts';

/** Tracks that are only names, and how often they were closed. */
export class FakeTracks implements SessionTracks {
  readonly tracks = { video: fakeTrack('video'), audio: fakeTrack('audio') };
  readonly outlet: Outlet = { video: new WritableStream(), audio: new WritableStream() };
  closes = 0;

  close(): void {
    this.closes += 1;
  }
}

function fakeTrack(kind: string): MediaStreamTrack {
  return { kind } as MediaStreamTrack;
}

/** One source that was asked for: what it was given, and what a test lets it do. */
export class FakeSource implements Source {
  readonly info: { kind: string; name: string };
  readonly asset: Asset;
  readonly outlet: Outlet;
  readonly listener: SourceListener;
  readonly signal: AbortSignal;
  closes = 0;
  timeMs = 0;
  loopCount = 0;
  readonly opened: Promise<Source>;
  #resolve: (source: Source) => void = () => {};
  #reject: (error: unknown) => void = () => {};

  constructor(...[asset, outlet, listener, signal]: Parameters<OpenSource>) {
    this.info = { kind: 'fake', name: asset.name };
    this.asset = asset;
    this.outlet = outlet;
    this.listener = listener;
    this.signal = signal;
    this.opened = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Gives the first picture. */
  open(): void {
    this.#resolve(this);
  }

  /** Says that there never will be one. */
  refuse(error: unknown): void {
    this.#reject(error);
  }

  mediaTimeMs(): number {
    return this.timeMs;
  }

  loops(): number {
    return this.loopCount;
  }

  close(): void {
    this.closes += 1;
  }
}

/** Makes the fake sources and tracks of sessions, and keeps them. */
export class FakeSources {
  readonly sources: FakeSource[] = [];
  readonly tracks: FakeTracks[] = [];
  readonly #firstPictureMs: number | null;

  /** @param firstPictureMs - how long each source takes to open by itself; `null`: until a test opens it. */
  constructor(firstPictureMs: number | null = null) {
    this.#firstPictureMs = firstPictureMs;
  }

  readonly sourceFor = (): OpenSource => (asset, outlet, listener, signal) => {
    const source = new FakeSource(asset, outlet, listener, signal);
    this.sources.push(source);
    if (this.#firstPictureMs !== null) setTimeout(() => source.open(), this.#firstPictureMs);
    return source.opened;
  };

  readonly createTracks = (): FakeTracks => {
    const tracks = new FakeTracks();
    this.tracks.push(tracks);
    return tracks;
  };

  /** The source that was asked for last. */
  get latest(): FakeSource {
    const source = this.sources.at(-1);
    if (source === undefined) throw new Error('No fake source was asked for.');
    return source;
  }
}
