/** What a participant token says about its bearer. */
export interface Identity {
  readonly participantId: string;
  readonly userId: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly capabilities: { readonly publish: boolean; readonly subscribe: boolean };
}

/** What a client tells about itself in its headers. */
export interface ClientInfo {
  readonly sdkVersion?: string;
  readonly browserName?: string;
  readonly browserVersion?: string;
  readonly osName?: string;
}

/** A participant's line in a session, kept after it left. Times are milliseconds since the epoch. */
export interface ParticipantRecord {
  identity: Identity;
  client: ClientInfo;
  state: 'CONNECTED' | 'DISCONNECTED';
  firstJoinTimeMs: number;
  /** Whether it ever published in this session. */
  published: boolean;
}

/** One participant in a STAGE_STATE message. */
export interface ParticipantState {
  readonly id: string;
  readonly userId: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly isPublishing: boolean;
  readonly audioMuted: boolean;
  readonly videoStopped: boolean;
}

/** What keeps a participant on the stage: its events socket, or a peer connection of its. */
export interface Hold {
  /** Lets go after `graceMs` (0: now), in which a new hold of the same participant takes over unseen. */
  release(graceMs: number): void;
}
