import type { MediaTracks } from '../stage/stage-port.ts';
import { SourceError } from './errors.ts';
import type { Outlet } from './source.ts';

/** One track of each kind that lives for a whole session, whatever plays behind it. */
export interface SessionTracks {
  tracks: MediaTracks;
  outlet: Outlet;
  close(): void;
}

/**
 * Makes the tracks of a session.
 *
 * @throws {SourceError} with SOURCE_UNSUPPORTED where the browser is not a Chromium.
 */
export function createTracks(): SessionTracks {
  if (typeof MediaStreamTrackGenerator === 'undefined') {
    throw new SourceError('SOURCE_UNSUPPORTED', 'This browser cannot make tracks from frames. Use Chromium or Chrome.');
  }
  const video = new MediaStreamTrackGenerator({ kind: 'video' });
  const audio = new MediaStreamTrackGenerator({ kind: 'audio' });
  return {
    tracks: { video, audio },
    outlet: { video: video.writable, audio: audio.writable },
    close() {
      video.stop();
      audio.stop();
    },
  };
}
