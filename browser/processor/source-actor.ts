import { type CallbackActorLogic, fromCallback } from 'xstate';
import { failure } from '../../machines/failures.ts';
import type { Asset } from '../../machines/protocol.ts';
import type { SourceEvent, SourceInput } from '../../machines/session.ts';
import { SourceError } from './errors.ts';
import type { OpenSource, Source } from './source.ts';
import { PATTERN } from './sources.ts';
import type { SessionTracks } from './tracks.ts';

export interface SourceActorOptions {
  sourceFor: (asset: Asset) => OpenSource;
  createTracks: () => SessionTracks;
  /** Takes the tracks of the session as soon as they are made, and `null` when they are gone. */
  onTracks: (tracks: SessionTracks | null) => void;
  /** Takes the source once it has a picture, and `null` when it is closed. */
  onSource: (source: Source | null) => void;
}

/** The session machine's `source` actor: one source for the whole session, over tracks that live as long. */
export function createSourceActor(options: SourceActorOptions): CallbackActorLogic<{ type: 'none' }, SourceInput> {
  return fromCallback(({ input, sendBack }) => {
    const asset = input.asset ?? PATTERN;
    const stop = new AbortController();
    let source: Source | null = null;
    const tell = (event: SourceEvent) => {
      if (!stop.signal.aborted) sendBack(event);
    };
    const onFailed = (error: unknown) => tell({ type: 'source.failed', failure: failureOf(error, asset.name) });

    let tracks: SessionTracks | null = null;
    try {
      tracks = options.createTracks();
      options.onTracks(tracks);
      options
        .sourceFor(asset)(
          asset,
          tracks.outlet,
          { onEnded: () => tell({ type: 'source.ended' }), onFailed },
          stop.signal,
        )
        .then((opened) => {
          if (stop.signal.aborted) return opened.close();
          source = opened;
          options.onSource(opened);
          tell({ type: 'source.ready', source: opened.info });
        }, onFailed);
    } catch (error) {
      onFailed(error);
    }

    return () => {
      stop.abort(new DOMException('The session is over.', 'AbortError'));
      source?.close();
      tracks?.close();
      options.onSource(null);
      options.onTracks(null);
    };
  });
}

function failureOf(error: unknown, name: string) {
  if (error instanceof SourceError) return error.failure;
  return failure(
    'INTERNAL',
    `The asset "${name}" could not be opened: ${error instanceof Error ? error.message : error}`,
  );
}
