import type { StageErrorCategory, StageLeftReason, StageParticipantPublishState } from 'amazon-ivs-web-broadcast';

/** The tracks that a source gives a stage: one of each kind, for the whole session. */
export interface MediaTracks {
  video: MediaStreamTrack;
  audio: MediaStreamTrack;
}

/** What leaves for the stage and what comes back from it, since this publish began. Bytes and packets are totals. */
export interface MediaStats {
  framesSent: number;
  /** Audio and video: all that went over their one transport. */
  bytesSent: number;
  framesPerSecond: number;
  /** Whatever the stage sends back on the same transport: receiver reports, feedback. */
  packetsReceived: number;
  dtlsState: RTCDtlsTransportState;
}

/** What the IVS SDK tells of a connection to a stage. */
export type StageNews =
  | { type: 'left'; reason: `${StageLeftReason}` }
  | { type: 'error'; code: number; category: `${StageErrorCategory}`; message: string }
  | { type: 'publishState'; state: `${StageParticipantPublishState}` };

/** Who the page is on a stage, and what its token allows. */
export interface LocalParticipant {
  participantId: string;
  mayPublish: boolean;
}

/** One connection to a stage, from `join` to `leave`; it is not used again after that. */
export interface StageConnection {
  /** Rejects with what the SDK threw; deadlines are the caller's. */
  join(): Promise<LocalParticipant>;
  /** Publishes the tracks; asked again, it publishes anew over a new peer connection. */
  publish(tracks: MediaTracks): void;
  /** `null` while nothing is being published. */
  stats(): Promise<MediaStats | null>;
  /** Leaves at once; `left` with `user-initiated` follows if the stage had been joined. */
  leave(): void;
}

/** The way to a stage. The one for IVS is `ivs-stage.ts`, the fake for unit tests `testing/fake-stage.ts`. */
export interface StagePort {
  connect(participantToken: string, onNews: (news: StageNews) => void): StageConnection;
}
