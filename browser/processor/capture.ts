import { SourceError } from './errors.ts';
import type { OpenSource } from './source.ts';

/** Chromium has it, the DOM types do not: https://www.w3.org/TR/mediacapture-fromelement/ */
type CapturableVideo = HTMLVideoElement & { captureStream(): MediaStream };

/** A player that waits longer than this for data is said to have failed. */
const STALL_LIMIT_MS = 10_000;
/** A jump back by more than this is a new beginning and no correction of the clock. */
const LOOP_JUMP_S = 0.5;

/** A file that Chromium can play, played in real time; its pictures and its sound are encoded again by WebRTC. */
export const openCapture: OpenSource = async (asset, outlet, listener, signal) => {
  const video = document.createElement('video') as CapturableVideo;
  // Muted is what a browser lets play by itself; what is captured keeps its sound.
  video.muted = true;
  video.playsInline = true;
  video.src = asset.url;
  const stop = new AbortController();
  const whileOpen = { signal: stop.signal };

  const close = () => {
    stop.abort();
    video.pause();
    video.removeAttribute('src');
    video.load();
  };
  try {
    await firstPicture(video, asset.name, asset.url, signal);
  } catch (error) {
    close();
    throw error;
  }

  const stream = video.captureStream();
  pipe(stream.getVideoTracks()[0], outlet.video, stop.signal);
  pipe(stream.getAudioTracks()[0], outlet.audio, stop.signal);

  let loops = 0;
  let lastTimeS = 0;
  const noteTime = () => {
    if (video.currentTime < lastTimeS - LOOP_JUMP_S) loops += 1;
    lastTimeS = video.currentTime;
  };
  video.addEventListener(
    'timeupdate',
    () => {
      // Not before: Chromium seeks in an endless, busy circle when it loops a file whose media is missing.
      video.loop = asset.loop && hasDecoded(video);
      noteTime();
    },
    whileOpen,
  );
  video.addEventListener('seeked', noteTime, whileOpen);
  video.addEventListener(
    'ended',
    () => {
      if (!hasDecoded(video)) listener.onFailed(withoutMedia(asset.name));
      else if (!asset.loop) listener.onEnded();
      else void video.play().catch((error) => listener.onFailed(error));
    },
    whileOpen,
  );
  video.addEventListener(
    'error',
    async () => listener.onFailed(await playbackError(video.error, asset.name, asset.url)),
    whileOpen,
  );
  watchForStalls(video, () => listener.onFailed(stalled(asset.name)), stop.signal);

  return {
    info: { kind: 'capture', name: asset.name },
    mediaTimeMs: () => Math.round(video.currentTime * 1_000),
    loops: () => loops,
    close,
  };
};

async function firstPicture(video: HTMLVideoElement, name: string, url: string, signal: AbortSignal): Promise<void> {
  const playing = new Promise<void>((resolve, reject) => {
    video.addEventListener('loadeddata', () => resolve(), { once: true });
    video.addEventListener('error', async () => reject(await playbackError(video.error, name, url)), { once: true });
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  // Its rejection says less than the `error` event, which follows.
  video.play().catch(() => {});
  await playing;
  if (video.videoWidth === 0) {
    throw new SourceError('ASSET_UNPLAYABLE', `The asset "${name}" has no picture. It must be a video.`);
  }
}

function pipe<T>(track: MediaStreamTrack | undefined, writable: WritableStream<T>, signal: AbortSignal): void {
  if (track === undefined) return;
  const { readable } = new MediaStreamTrackProcessor({ track: track as MediaStreamVideoTrack });
  (readable as ReadableStream as ReadableStream<T>)
    .pipeTo(writable, { preventClose: true, preventAbort: true, preventCancel: false, signal })
    // It ends by the abort of `close`, or with the session's tracks.
    .catch(() => {})
    .finally(() => track.stop());
}

function watchForStalls(video: HTMLVideoElement, onStalled: () => void, signal: AbortSignal): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  video.addEventListener(
    'waiting',
    () => {
      timer ??= setTimeout(onStalled, STALL_LIMIT_MS);
    },
    { signal },
  );
  const moveOn = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  video.addEventListener('playing', moveOn, { signal });
  video.addEventListener('timeupdate', moveOn, { signal });
  signal.addEventListener('abort', moveOn);
}

function hasDecoded(video: HTMLVideoElement): boolean {
  return video.getVideoPlaybackQuality().totalVideoFrames > 0;
}

function withoutMedia(name: string): SourceError {
  return new SourceError('ASSET_UNPLAYABLE', `The asset "${name}" holds no media. Is the file whole?`);
}

function stalled(name: string): SourceError {
  return new SourceError('ASSET_TIMEOUT', `The asset "${name}" gave no more data for ${STALL_LIMIT_MS / 1_000} s.`);
}

/** A `<video>` says the same of a file that is missing and of one that is no video: the server knows which it is. */
async function playbackError(error: MediaError | null, name: string, url: string): Promise<SourceError> {
  const detail = error?.message ? ` (${error.message})` : '';
  const status = await fetch(url, { method: 'HEAD' }).then(
    (response) => response.status,
    () => null,
  );
  if (status === 404) return new SourceError('ASSET_NOT_FOUND', `There is no asset "${name}".`);
  if (status === null || status >= 500 || error?.code === MediaError.MEDIA_ERR_NETWORK) {
    return new SourceError('ASSET_TIMEOUT', `The asset "${name}" could not be loaded${detail}.`);
  }
  const expected = 'Expected a video that Chromium plays, such as MP4 with H.264 and AAC, or WebM';
  return new SourceError('ASSET_UNPLAYABLE', `The asset "${name}" cannot be played${detail}. ${expected}.`);
}
