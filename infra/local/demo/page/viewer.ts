import { Stage, StageEvents, SubscribeType } from 'amazon-ivs-web-broadcast';

/** A participant that only looks. Times are milliseconds since the epoch, with fractions. */
export interface Viewer {
  /** Resolves when the next picture of the participant is shown that has not been seen before. */
  firstFrame(): Promise<number>;
  /** Resolves when the participant with that id is gone from the stage. */
  gone(participantId: string): Promise<number>;
  /** Decoded pictures since the viewer began, and the size of the last. */
  figures(): { frames: number; width: number; height: number };
}

/** Joins a stage to watch what is published on it, in `video`. */
export async function startViewer(token: string, video: HTMLVideoElement): Promise<Viewer> {
  const stage = new Stage(token, {
    stageStreamsToPublish: () => [],
    shouldPublishParticipant: () => false,
    shouldSubscribeToParticipant: () => SubscribeType.AUDIO_VIDEO,
  });
  const goneListeners = new Set<(participantId: string) => void>();
  stage.on(StageEvents.STAGE_PARTICIPANT_STREAMS_ADDED, (info, streams) => {
    if (info.isLocal) return;
    video.srcObject = new MediaStream(streams.map(({ mediaStreamTrack }) => mediaStreamTrack));
    // It is muted and may play; a pause in between is answered by `autoplay`.
    video.play().catch(() => {});
  });
  stage.on(StageEvents.STAGE_PARTICIPANT_STREAMS_REMOVED, (info) => {
    if (!info.isLocal) video.srcObject = null;
  });
  stage.on(StageEvents.STAGE_PARTICIPANT_LEFT, (info) => {
    for (const listener of goneListeners) listener(info.id);
  });
  await stage.join();

  return {
    firstFrame: () =>
      new Promise((resolve) => {
        video.requestVideoFrameCallback(() => resolve(now()));
      }),
    gone: (participantId) =>
      new Promise((resolve) => {
        const listener = (id: string) => {
          if (id !== participantId) return;
          goneListeners.delete(listener);
          resolve(now());
        };
        goneListeners.add(listener);
      }),
    figures: () => {
      const { totalVideoFrames, droppedVideoFrames } = video.getVideoPlaybackQuality();
      return { frames: totalVideoFrames - droppedVideoFrames, width: video.videoWidth, height: video.videoHeight };
    },
  };
}

/** Milliseconds since the epoch with fractions: one clock for this page and the pages it embeds. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
