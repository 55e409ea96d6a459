import { Stage, StageEvents, SubscribeType } from 'amazon-ivs-web-broadcast';

/** Decoded pictures of one participant since it came, and the size of the last. */
export interface ViewerFigures {
  frames: number;
  width: number;
  height: number;
}

/** A participant that only looks. Times are milliseconds since the epoch, with fractions. */
export interface Viewer {
  /** Resolves when the first picture is shown of a participant that comes from now on. */
  firstFrame(): Promise<number>;
  /** Resolves when the participant with that id is gone from the stage. */
  gone(participantId: string): Promise<number>;
  /** Of that participant, or of whoever came last; zeros where there is none. */
  figures(participantId?: string): ViewerFigures;
  /** The picture of that participant, or of whoever came last. */
  video(participantId?: string): HTMLVideoElement | undefined;
}

/** Joins a stage to watch what is published on it: one `<video>` in `screen` for each participant that publishes. */
export async function startViewer(token: string, screen: Element): Promise<Viewer> {
  const videos = new Map<string, HTMLVideoElement>();
  const firstFrames = new EventTarget();
  const departures = new EventTarget();
  const stage = new Stage(token, {
    stageStreamsToPublish: () => [],
    shouldPublishParticipant: () => false,
    shouldSubscribeToParticipant: () => SubscribeType.AUDIO_VIDEO,
  });
  stage.on(StageEvents.STAGE_PARTICIPANT_STREAMS_ADDED, ({ id, isLocal }, streams) => {
    if (isLocal) return;
    const video = videos.get(id) ?? Object.assign(document.createElement('video'), { muted: true, autoplay: true });
    videos.set(id, video);
    video.srcObject = new MediaStream(streams.map(({ mediaStreamTrack }) => mediaStreamTrack));
    video.requestVideoFrameCallback(() => firstFrames.dispatchEvent(new Event('frame')));
    screen.append(video);
  });
  stage.on(StageEvents.STAGE_PARTICIPANT_STREAMS_REMOVED, ({ id }) => {
    videos.get(id)?.remove();
    videos.delete(id);
  });
  stage.on(StageEvents.STAGE_PARTICIPANT_LEFT, ({ id }) => departures.dispatchEvent(new Event(id)));
  await stage.join();

  const once = (target: EventTarget, type: string) =>
    new Promise<number>((resolve) => {
      target.addEventListener(type, () => resolve(now()), { once: true });
    });
  const videoOf = (participantId?: string) =>
    participantId === undefined ? [...videos.values()].at(-1) : videos.get(participantId);
  return {
    firstFrame: () => once(firstFrames, 'frame'),
    gone: (participantId) => once(departures, participantId),
    video: videoOf,
    figures: (participantId) => {
      const video = videoOf(participantId);
      if (video === undefined) return { frames: 0, width: 0, height: 0 };
      const { totalVideoFrames, droppedVideoFrames } = video.getVideoPlaybackQuality();
      return { frames: totalVideoFrames - droppedVideoFrames, width: video.videoWidth, height: video.videoHeight };
    },
  };
}

/** Milliseconds since the epoch with fractions: one clock for this page and the pages it embeds. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
