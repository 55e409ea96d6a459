import {
  CreateStageCommand,
  DeleteStageCommand,
  GetParticipantCommand,
  GetStageCommand,
  IVSRealTimeClient,
  ListStageSessionsCommand,
} from '@aws-sdk/client-ivs-realtime';

/** How IVS sees a participant. */
export interface Seen {
  readonly state: string;
  readonly published: boolean;
}

/** The stage to invite to. */
export class SmokeStage {
  readonly #client: IVSRealTimeClient;
  readonly #isOwn: boolean;
  readonly arn: string;

  private constructor(client: IVSRealTimeClient, arn: string, isOwn: boolean) {
    this.#client = client;
    this.arn = arn;
    this.#isOwn = isOwn;
  }

  /** One of its own. */
  static async create(region: string, abortSignal: AbortSignal): Promise<SmokeStage> {
    const client = new IVSRealTimeClient({ region });
    const { stage } = await client.send(new CreateStageCommand({ name: 'virtual-participant-smoke' }), { abortSignal });
    if (stage?.arn === undefined) throw new Error('IVS created a stage and named no ARN.');
    return new SmokeStage(client, stage.arn, true);
  }

  /** One that is there, and stays. */
  static async find(region: string, arn: string, abortSignal: AbortSignal): Promise<SmokeStage> {
    const client = new IVSRealTimeClient({ region });
    await client.send(new GetStageCommand({ arn }), { abortSignal });
    return new SmokeStage(client, arn, false);
  }

  /** A stage of the same account and region that there is not. */
  get wrongArn(): string {
    return this.arn.replace(/[^/]+$/, 'NoSuchStage1');
  }

  /** `null`: nobody with this id has been on the stage in its newest session. */
  async participant(participantId: string): Promise<Seen | null> {
    const { stageSessions } = await this.#client.send(new ListStageSessionsCommand({ stageArn: this.arn }));
    const sessionId = stageSessions?.[0]?.sessionId;
    if (sessionId === undefined) return null;
    const command = new GetParticipantCommand({ stageArn: this.arn, sessionId, participantId });
    const { participant } = await this.#client.send(command).catch((error: Error) => {
      if (error.name === 'ResourceNotFoundException') return { participant: undefined };
      throw error;
    });
    if (participant === undefined) return null;
    return { state: participant.state ?? '', published: participant.published ?? false };
  }

  /** Deletes it if it is its own. */
  async close(): Promise<void> {
    if (this.#isOwn) await this.#client.send(new DeleteStageCommand({ arn: this.arn }));
    this.#client.destroy();
  }
}
