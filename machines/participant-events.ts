import type { Failure } from './failures.ts';
import type { Asset, SessionState } from './protocol.ts';

/** One invite as the control plane gives it. */
export interface ParticipantInvite {
  epoch: number;
  stageArn: string;
  assetName: string | null;
  /** Default of the control plane: `true`. */
  loop: boolean;
  userId: string | null;
  attributes: Readonly<Record<string, string>>;
  /** The session is ended after so many seconds on behalf of who invited; `null`, or more than that: after 24 hours. */
  maxDurationSeconds: number | null;
}

/** What an invite needs before the page can act on it; made ready by the `prepare` actor. */
export interface Preparation {
  participantToken: string;
  participantId: string | null;
  asset: Asset | null;
}

/** Where the page says it stands: the sum of its messages, `vp.stats` included. */
export interface PageReport {
  epoch: number;
  state: SessionState;
  participantId: string | null;
  reason: string | null;
  failure: Failure | null;
  /** Whether the page told it by `vp.stats`, `vp.published` or `vp.unpublished`: such a page will tell of its media. */
  tellsMedia: boolean;
}

export interface ParticipantContext {
  /** The newest epoch that was invited or kicked; an invite must be newer. */
  epoch: number;
  invite: ParticipantInvite | null;
  preparation: Preparation | null;
  /** Who the page is on the stage, from its own report. */
  participantId: string | null;
  /** Why the session is where it is; told with the status. */
  reason: string | null;
  failure: Failure | null;
  tellsMedia: boolean;
}

export type ParticipantEvent =
  | { type: 'control.online' }
  | { type: 'control.offline' }
  | { type: 'page.loading' }
  | { type: 'page.ready' }
  | { type: 'page.lost'; reason: string }
  | { type: 'page.reported'; report: PageReport }
  | { type: 'invite.received'; invite: ParticipantInvite }
  /** Without `epoch` it means the present invite. */
  | { type: 'kick.received'; epoch?: number; reason: string }
  /** The control plane has taken the status that {@link statusOf} gave. */
  | { type: 'status.reported'; epoch: number; status: 'KICKED' | 'ERRORED' }
  | { type: 'drain'; reason: string };
