/** Who is to join which stage. */
export interface TokenRequest {
  stageArn: string;
  /** Shown to everyone on the stage; 1 to 128 characters. `null`: the id of the virtual participant. */
  userId: string | null;
  /** Shown to everyone on the stage; names and values together at most 1 KiB of UTF-8. */
  attributes: Readonly<Record<string, string>>;
  vpId: string;
}

/** A participant token, which is opaque, and who its bearer will be on the stage. */
export interface PreparedToken {
  participantToken: string;
  participantId: string;
}

export interface DisconnectRequest {
  stageArn: string;
  participantId: string;
  /** Told to the participant; cut to 128 characters. */
  reason: string;
}

/** What the server asks of Amazon IVS Real-Time. Each call ends by its own deadline, or at once by its signal. */
export interface Ivs {
  /**
   * A token to publish with, which outlasts the 24 hours that IVS keeps a participant on a stage.
   *
   * @throws {FailureError} that says whose fault it is and what helps.
   */
  prepareToken(request: TokenRequest, signal: AbortSignal): Promise<PreparedToken>;
  /**
   * Takes a participant off a stage. IVS says `disconnected` also of one that it does not know.
   *
   * @returns `was not there` if there is no such stage: then nobody is on it either.
   * @throws {FailureError} that says whose fault it is and what helps.
   */
  disconnect(request: DisconnectRequest, signal: AbortSignal): Promise<'disconnected' | 'was not there'>;
  /** Fetches ahead what an invite to this stage would wait for: credentials, and with a key pair its endpoints. */
  warm(stageArn: string, signal: AbortSignal): Promise<void>;
  /** Ends the connections that are kept open. */
  close(): void;
}
