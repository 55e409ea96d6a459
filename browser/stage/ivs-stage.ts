import {
  LocalStageStream,
  Stage,
  type StageError,
  StageEvents,
  type StageParticipantInfo,
  type StageStrategy,
  StreamType,
  SubscribeType,
} from 'amazon-ivs-web-broadcast';
import type { LocalParticipant, MediaStats, MediaTracks, StageConnection, StageNews, StagePort } from './stage-port.ts';

export interface IvsStageOptions {
  /** 50 to 2,500, the SDK's own limits. Default: 2,500. */
  maxVideoBitrateKbps?: number;
}

/** IVS's own frame rate limit for a stage. */
const MAX_FRAMERATE = 30;
/** IVS's own limit, for stereo. */
const MAX_AUDIO_BITRATE_KBPS = 128;

/** Reaches IVS Real-Time stages through the IVS Web Broadcast SDK. */
export function createIvsStage({ maxVideoBitrateKbps = 2_500 }: IvsStageOptions = {}): StagePort {
  return {
    connect(participantToken, onNews) {
      let streams: LocalStageStream[] = [];
      let hasLeft = false;
      const strategy: StageStrategy = {
        stageStreamsToPublish: () => streams,
        shouldPublishParticipant: () => streams.length > 0,
        shouldSubscribeToParticipant: () => SubscribeType.NONE,
      };
      const stage = open(participantToken, strategy);
      if (!(stage instanceof Stage)) return refused(stage, onNews);
      const local = new Promise<LocalParticipant>((resolve) => {
        stage.on(StageEvents.STAGE_PARTICIPANT_JOINED, (info) => {
          if (info.isLocal) resolve({ participantId: info.id, mayPublish: mayPublish(info) });
        });
      });
      stage.on(StageEvents.STAGE_LEFT, (reason) => onNews({ type: 'left', reason }));
      stage.on(StageEvents.ERROR, ({ code, category, message }) => onNews({ type: 'error', code, category, message }));
      stage.on(StageEvents.STAGE_PARTICIPANT_PUBLISH_STATE_CHANGED, (info, state) => {
        if (info.isLocal) onNews({ type: 'publishState', state });
      });

      const connection: StageConnection = {
        async join() {
          await stage.join();
          // The SDK goes on joining after a `leave` that came before it had joined.
          if (hasLeft) stage.leave();
          return local;
        },
        publish(tracks) {
          // The SDK publishes over a new peer connection only after a strategy that publishes nothing.
          if (streams.length > 0) {
            streams = [];
            stage.refreshStrategy();
          }
          streams = streamsOf(tracks, maxVideoBitrateKbps);
          stage.refreshStrategy();
        },
        async stats() {
          const video = streams.find(({ streamType }) => streamType === StreamType.VIDEO);
          return statsOf(await video?.requestRTCStats());
        },
        leave() {
          hasLeft = true;
          stage.leave();
        },
      };
      return connection;
    },
  };
}

/** A token that cannot be one is refused before anything is sent: by an exception, in place of the `error` event. */
function open(participantToken: string, strategy: StageStrategy): Stage | StageError {
  try {
    return new Stage(participantToken, strategy);
  } catch (error) {
    if (isStageError(error)) return error;
    throw error;
  }
}

function isStageError(error: unknown): error is StageError {
  return typeof error === 'object' && error !== null && 'code' in error && 'category' in error;
}

function refused({ code, category, message }: StageError, onNews: (news: StageNews) => void): StageConnection {
  return {
    async join() {
      onNews({ type: 'error', code, category, message });
      throw new Error('The IVS SDK refused the participant token.');
    },
    publish() {},
    stats: async () => null,
    leave() {},
  };
}

function streamsOf({ video, audio }: MediaTracks, maxVideoBitrateKbps: number): LocalStageStream[] {
  return [
    new LocalStageStream(video, { maxVideoBitrateKbps, maxFramerate: MAX_FRAMERATE, simulcast: { enabled: false } }),
    new LocalStageStream(audio, { maxAudioBitrateKbps: MAX_AUDIO_BITRATE_KBPS, stereo: true }),
  ];
}

function mayPublish({ capabilities }: StageParticipantInfo): boolean {
  return [...capabilities].some((capability) => `${capability}` === 'publish');
}

function statsOf(report: RTCStatsReport | undefined): MediaStats | null {
  if (report === undefined) return null;
  let outbound: RTCOutboundRtpStreamStats | undefined;
  let transport: (RTCTransportStats & { packetsReceived?: number }) | undefined;
  for (const stats of report.values()) {
    if (stats.type === 'outbound-rtp' && stats.kind === 'video') outbound = stats;
    if (stats.type === 'transport') transport = stats;
  }
  if (outbound === undefined || transport === undefined) return null;
  return {
    framesSent: outbound.framesSent ?? 0,
    bytesSent: transport.bytesSent ?? 0,
    framesPerSecond: outbound.framesPerSecond ?? 0,
    packetsReceived: transport.packetsReceived ?? 0,
    dtlsState: transport.dtlsState,
  };
}
