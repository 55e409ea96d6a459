import type { Asset } from '../../machines/protocol.ts';
import type { SourceInfo } from '../../machines/session.ts';

/** What a source puts its pictures and its sound into. Each is written by one source at a time. */
export interface Outlet {
  video: WritableStream<VideoFrame>;
  audio: WritableStream<AudioData>;
}

/** What a source tells while it runs. */
export interface SourceListener {
  /** The asset does not loop and is over. */
  onEnded(): void;
  /** It cannot go on; `error` is a {@link SourceError}, or something unforeseen. */
  onFailed(error: unknown): void;
}

/** A source that is running: it has given its first picture. */
export interface Source {
  readonly info: SourceInfo;
  /** Where in the asset the picture stands. */
  mediaTimeMs(): number;
  /** How often the asset began anew. */
  loops(): number;
  /** Stops it and frees what it holds; the outlet's tracks live on. */
  close(): void;
}

/**
 * Opens a source: resolves once it has its first picture, and rejects with a {@link SourceError} if it never will.
 * It must give up when `signal` is aborted.
 */
export type OpenSource = (
  asset: Asset,
  outlet: Outlet,
  listener: SourceListener,
  signal: AbortSignal,
) => Promise<Source>;
