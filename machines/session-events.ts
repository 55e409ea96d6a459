import type { Failure } from './failures.ts';
import type { Asset, REMOVALS } from './protocol.ts';

/** One invite as the page knows it. */
export interface SessionInvite {
  epoch: number;
  /** Opaque: it is handed to the IVS SDK and never read for more than hints. */
  participantToken: string;
  stageArn: string | null;
  /** `null`: the source decides by itself what to play. */
  asset: Asset | null;
}

/** What a source tells about itself once it has a picture. */
export interface SourceInfo {
  kind: string;
  name: string;
}

/** Why a session is over: asked for, ended by itself, taken off the stage, or failed. */
export interface SessionEnd {
  epoch: number;
  reason: string;
  failure: Failure | null;
}

export interface SessionContext {
  /** The epoch the server named last; `null` until it named one. */
  epoch: number | null;
  invite: SessionInvite | null;
  /** Another invite that waits until the present session has left the stage. */
  nextInvite: SessionInvite | null;
  source: SourceInfo | null;
  /** Who the page is on the stage; `null` while it is not on it. */
  onStage: { participantId: string; stageArn: string } | null;
  /** Failed publishes on this connection, and failed connections, since media last flowed. */
  publishTries: number;
  joinTries: number;
  hasPublished: boolean;
  /** Why the machine is where it is: why media stopped, the stage was lost, or leaving began. */
  reason: string;
  failure: Failure | null;
  /** The session that ended last, or that was called off before the page heard of it. */
  ended: SessionEnd | null;
}

/**
 * What the server asks. It comes in order from one connection, so the last word counts: an epoch other than the last
 * one named is news, lower ones too (a server that lost its count), and the same one is a repeat that starts nothing.
 */
export type SessionEvent =
  | { type: 'session.start'; invite: SessionInvite }
  /** Without `epoch` it means the present session. */
  | { type: 'session.stop'; epoch?: number; reason: string }
  | SourceEvent
  | StageEvent;

/** What the source actor tells. */
export type SourceEvent =
  | { type: 'source.ready'; source: SourceInfo }
  /** The asset does not loop and is over. */
  | { type: 'source.ended' }
  | { type: 'source.failed'; failure: Failure };

/** What the stage actor tells. */
export type StageEvent =
  | { type: 'stage.joined'; participantId: string; stageArn: string }
  /** Frames and bytes are seen leaving. */
  | { type: 'media.flowing' }
  /** No media is seen leaving, or the SDK gave up publishing: publish again. */
  | { type: 'media.stopped'; reason: string }
  /** The stage is gone or could not be joined: join it again. */
  | { type: 'stage.lost'; reason: string }
  /** IVS took the participant off the stage. */
  | { type: 'stage.removed'; reason: (typeof REMOVALS)[number] }
  /** Nothing more can be tried with this invite. */
  | { type: 'stage.failed'; failure: Failure }
  /** The stage was left because it was asked for. */
  | { type: 'stage.left' };

/** What the machine tells the stage actor. */
export type StageCommand = { type: 'publish' } | { type: 'republish' } | { type: 'leave' };

export interface StageInput {
  /** `null` only for a machine that was started without an invite, which its statechart rules out. */
  invite: SessionInvite | null;
}
export interface SourceInput {
  asset: Asset | null;
}
