import {
  LocalStageStream,
  Stage,
  StageErrorCode,
  StageEvents,
  type StageParticipantInfo,
  SubscribeType,
} from 'amazon-ivs-web-broadcast';

/** What the SDK told, or what was seen of a stream it gave. */
export interface SdkEvent {
  readonly name: string;
  readonly participantId: string | null;
  readonly value: unknown;
}

export interface JoinOptions {
  publish?: boolean;
  simulcast?: boolean;
}

/** The IVS SDK as a test in another process uses it. */
export interface SdkClient {
  readonly events: SdkEvent[];
  /** Gives `joined`, or the name of the error that the SDK rejects with. */
  join(token: string, options?: JoinOptions): Promise<string>;
  /** Gives `exchanged`, or the name of the error. */
  exchange(token: string): Promise<string>;
  muteVideo(): void;
  leave(): void;
}

declare global {
  interface Window {
    sdk?: SdkClient;
  }
}

/** A picture that changes, in the size of the virtual participant's. */
function movingPicture(): MediaStreamTrack {
  const canvas = Object.assign(document.createElement('canvas'), { width: 1_280, height: 720 });
  const context = canvas.getContext('2d');
  let hue = 0;
  setInterval(() => {
    if (context === null) return;
    hue = (hue + 3) % 360;
    context.fillStyle = `hsl(${hue} 80% 50%)`;
    context.fillRect(0, 0, canvas.width, canvas.height);
  }, 33);
  const [track] = canvas.captureStream(30).getVideoTracks();
  if (track === undefined) throw new Error('The canvas gave no track.');
  return track;
}

const nameOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? (StageErrorCode[Number(error.code)] ?? error.name) : String(error);

function createClient(): SdkClient {
  const events: SdkEvent[] = [];
  let stage: Stage | undefined;
  let streams: LocalStageStream[] = [];

  const note = (name: string, participant: StageParticipantInfo | null, value: unknown) =>
    events.push({ name, participantId: participant?.id ?? null, value });

  function listen(to: Stage): void {
    to.on(StageEvents.STAGE_CONNECTION_STATE_CHANGED, (state) => note('connection', null, state));
    to.on(StageEvents.STAGE_LEFT, (reason) => note('left', null, reason));
    to.on(StageEvents.ERROR, (error) => note('error', null, nameOf(error)));
    to.on(StageEvents.STAGE_PARTICIPANT_JOINED, (who) => note('participantJoined', who, who.userId));
    to.on(StageEvents.STAGE_PARTICIPANT_LEFT, (who) => note('participantLeft', who, who.userId));
    to.on(StageEvents.STAGE_PARTICIPANT_PUBLISH_STATE_CHANGED, (who, state) => note('publish', who, state));
    to.on(StageEvents.STAGE_PARTICIPANT_METADATA_CHANGED, (who) => note('metadata', who, who.userId));
    to.on(StageEvents.STAGE_STREAM_MUTE_CHANGED, (who, { streamType, isMuted }) =>
      note('mute', who, { streamType, isMuted }),
    );
    to.on(StageEvents.STAGE_PARTICIPANT_STREAMS_ADDED, (who, added) => {
      if (who.isLocal) return;
      const video = document.createElement('video');
      video.muted = true;
      video.srcObject = new MediaStream(added.map(({ mediaStreamTrack }) => mediaStreamTrack));
      document.body.append(video);
      void video.play();
      video.requestVideoFrameCallback(() => note('firstFrame', who, null));
    });
  }

  return {
    events,
    async join(token, { publish = false, simulcast = false } = {}) {
      streams = publish ? [new LocalStageStream(movingPicture(), { simulcast: { enabled: simulcast } })] : [];
      stage = new Stage(token, {
        stageStreamsToPublish: () => streams,
        shouldPublishParticipant: () => publish,
        shouldSubscribeToParticipant: () => SubscribeType.AUDIO_VIDEO,
      });
      listen(stage);
      return stage.join().then(() => 'joined', nameOf);
    },
    exchange: async (token) => stage?.exchangeToken(token).then(() => 'exchanged', nameOf) ?? 'no stage',
    muteVideo: () => streams.forEach((stream) => void stream.setMuted(true)),
    leave: () => stage?.leave(),
  };
}

window.sdk = createClient();
