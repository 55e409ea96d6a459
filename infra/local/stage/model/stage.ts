import type { Clock } from './clock.ts';
import { newSessionId } from './ids.ts';
import type { ClientInfo, Hold, Identity, ParticipantRecord, ParticipantState } from './participant.ts';

/** A stage session: from its first participant until some time after its last. */
export interface Session {
  readonly id: string;
  readonly startTimeMs: number;
  endTimeMs?: number;
  /** By participant id, in the order they first joined. */
  readonly participants: Map<string, ParticipantRecord>;
}

interface Present {
  record: ParticipantRecord;
  isPublishing: boolean;
  audioMuted: boolean;
  videoStopped: boolean;
  holds: Set<Hold>;
}

/** A participant that went off the stage although something held it there, and why. */
export interface Removal {
  readonly participantId: string;
  readonly code: 'LEFT' | 'PARTICIPANT_DISCONNECTED' | 'STAGE_DELETED';
  readonly reason: string;
}

export interface StageDescription {
  readonly id: string;
  readonly arn: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** Who is on one stage and what they do. Knows nothing of sockets, tokens or media. */
export class Stage {
  readonly id: string;
  readonly arn: string;
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Newest first. */
  readonly sessions: Session[] = [];
  readonly #clock: Clock;
  readonly #sessionLingerMs: number;
  readonly #present = new Map<string, Present>();
  readonly #disconnected = new Set<string>();
  readonly #listeners = new Set<() => void>();
  readonly #removalListeners = new Set<(removal: Removal) => void>();
  #cancelSessionEnd: () => void = () => undefined;
  #isEnded = false;

  /** @param sessionLingerMs how long a session outlives its last participant */
  constructor(description: StageDescription, clock: Clock, sessionLingerMs: number) {
    this.id = description.id;
    this.arn = description.arn;
    this.name = description.name;
    this.tags = description.tags;
    this.#clock = clock;
    this.#sessionLingerMs = sessionLingerMs;
  }

  get activeSession(): Session | undefined {
    const newest = this.sessions[0];
    return newest?.endTimeMs === undefined ? newest : undefined;
  }

  /** The participants on the stage, in the order they joined. */
  get participants(): ParticipantState[] {
    return [...this.#present.values()].map(({ record: { identity }, isPublishing, audioMuted, videoStopped }) => ({
      id: identity.participantId,
      userId: identity.userId,
      attributes: identity.attributes,
      isPublishing,
      audioMuted,
      videoStopped,
    }));
  }

  /** How many participants are on the stage. */
  get size(): number {
    return this.#present.size;
  }

  /** Called after each change of `participants` or of the active session. Returns what takes the listener away. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Called for each {@link Removal}, after the participant has gone. Returns what takes the listener away. */
  onRemoval(listener: (removal: Removal) => void): () => void {
    this.#removalListeners.add(listener);
    return () => this.#removalListeners.delete(listener);
  }

  has(participantId: string): boolean {
    return this.#present.has(participantId);
  }

  /** Whether the participant was removed by {@link disconnect}, and so may not come back. */
  isDisconnected(participantId: string): boolean {
    return this.#disconnected.has(participantId);
  }

  /** Puts a participant on the stage, or keeps it there, until the hold is released. */
  enter(identity: Identity, client: ClientInfo): Hold {
    const present = this.#present.get(identity.participantId) ?? this.#join(identity, client);
    let cancelRelease: (() => void) | undefined;
    const drop = () => {
      if (!present.holds.delete(hold)) return;
      if (present.holds.size === 0) this.#goOff(identity.participantId, present);
    };
    const hold: Hold = {
      release(graceMs) {
        cancelRelease?.();
        if (graceMs === 0) drop();
        else cancelRelease = clock.after(graceMs, drop);
      },
    };
    const clock = this.#clock;
    present.holds.add(hold);
    return hold;
  }

  setPublishing(participantId: string, isPublishing: boolean): void {
    const present = this.#present.get(participantId);
    if (present === undefined || present.isPublishing === isPublishing) return;
    present.isPublishing = isPublishing;
    if (isPublishing) present.record.published = true;
    this.#changed();
  }

  setMuted(participantId: string, { audioMuted, videoStopped }: { audioMuted: boolean; videoStopped: boolean }): void {
    const present = this.#present.get(participantId);
    if (present === undefined) return;
    if (present.audioMuted === audioMuted && present.videoStopped === videoStopped) return;
    present.audioMuted = audioMuted;
    present.videoStopped = videoStopped;
    this.#changed();
  }

  /** Takes over what an exchanged token says: user id, attributes, capabilities. */
  setIdentity(identity: Identity): void {
    const present = this.#present.get(identity.participantId);
    if (present === undefined) return;
    present.record.identity = identity;
    this.#changed();
  }

  /** Takes a participant off that has left by its own will; it may come back. */
  leave(participantId: string): void {
    this.#remove({ participantId, code: 'LEFT', reason: '' });
  }

  /** Removes a participant for good: it may not enter this stage again under this id. */
  disconnect(participantId: string, reason: string): void {
    this.#disconnected.add(participantId);
    this.#remove({ participantId, code: 'PARTICIPANT_DISCONNECTED', reason });
  }

  /** Whether {@link end} was called. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Takes everyone off and ends the session at once, for good. */
  end(reason: string): void {
    this.#isEnded = true;
    for (const participantId of [...this.#present.keys()]) {
      this.#remove({ participantId, code: 'STAGE_DELETED', reason });
    }
    this.#cancelSessionEnd();
    this.#endSession();
  }

  #join(identity: Identity, client: ClientInfo): Present {
    this.#cancelSessionEnd();
    const session = this.activeSession ?? this.#startSession();
    const record: ParticipantRecord = session.participants.get(identity.participantId) ?? {
      identity,
      client,
      state: 'CONNECTED',
      firstJoinTimeMs: this.#clock.now(),
      published: false,
    };
    record.identity = identity;
    record.client = client;
    record.state = 'CONNECTED';
    session.participants.set(identity.participantId, record);
    const present = { record, isPublishing: false, audioMuted: false, videoStopped: false, holds: new Set<Hold>() };
    this.#present.set(identity.participantId, present);
    this.#changed();
    return present;
  }

  #remove(removal: Removal): void {
    const present = this.#present.get(removal.participantId);
    if (present === undefined) return;
    present.holds.clear();
    this.#goOff(removal.participantId, present);
    for (const listener of [...this.#removalListeners]) listener(removal);
  }

  #goOff(participantId: string, present: Present): void {
    this.#present.delete(participantId);
    present.record.state = 'DISCONNECTED';
    if (this.#present.size === 0) {
      this.#cancelSessionEnd = this.#clock.after(this.#sessionLingerMs, () => this.#endSession());
    }
    this.#changed();
  }

  #startSession(): Session {
    const session: Session = { id: newSessionId(), startTimeMs: this.#clock.now(), participants: new Map() };
    this.sessions.unshift(session);
    return session;
  }

  #endSession(): void {
    const session = this.activeSession;
    if (session === undefined) return;
    session.endTimeMs = this.#clock.now();
    this.#changed();
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
