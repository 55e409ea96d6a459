import { randomUUID } from 'node:crypto';
import { fromTemporaryCredentials } from '@aws-sdk/credential-providers';
import type { VpStatus } from '../../../machines/status.ts';
import { createAppSyncClient } from '../../../server/appsync/client.ts';
import { AppSyncError } from '../../../server/appsync/errors.ts';
import { isNewer, parseRecord, RECORD_FIELDS, type VpRecord } from '../../../server/appsync/record.ts';
import type { Attempt } from './checks.ts';
import type { Target } from './options.ts';

const ALL = `fragment All on VirtualParticipant { ${RECORD_FIELDS} }`;
const LIST = `query List($nextToken: String) {
  listVirtualParticipants(limit: 100, nextToken: $nextToken) { items { ...All } nextToken }
} ${ALL}`;
// Without the argument: those of all.
const WATCH = `subscription { onVirtualParticipantChanged { ...All } } ${ALL}`;
const INVITE = `mutation Invite($input: InviteVirtualParticipantInput!) {
  inviteVirtualParticipant(input: $input) { ...All }
} ${ALL}`;
const KICK = `mutation Kick($input: KickVirtualParticipantInput!) { kickVirtualParticipant(input: $input) { ...All } } ${ALL}`;
const REGISTER = `mutation Register($input: RegisterVirtualParticipantInput!) {
  registerVirtualParticipant(input: $input) { id }
}`;

/** One status of a virtual participant, and when it was heard (`performance.now()`). */
export interface Heard {
  readonly record: VpRecord;
  readonly atMs: number;
}

export interface Invite {
  readonly id: string;
  readonly epoch: number;
  /** When the mutation was sent. */
  readonly sentAtMs: number;
}

/** The GraphQL API as any caller has it, over the real client library. */
export class Control {
  readonly #client: ReturnType<typeof createAppSyncClient>;
  readonly #target: Target;
  readonly #heard: Heard[] = [];
  #wake = new AbortController();

  constructor(target: Target, callerRole: string | null) {
    this.#target = target;
    this.#client = createAppSyncClient({
      url: target.graphqlApiUrl,
      region: target.region,
      ...(callerRole !== null && {
        credentials: fromTemporaryCredentials({
          params: { RoleArn: callerRole, RoleSessionName: 'smoke' },
          clientConfig: { region: target.region },
        }),
      }),
    });
  }

  /** Resolves when the subscription is there; rejects with what it was refused for. */
  async watch(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#client.subscribe(
        WATCH,
        {},
        {
          onReady: () => {
            // What changed before it was there, and while it was lost.
            this.list().then((records) => {
              for (const record of records) this.#hear(record);
              resolve();
            }, reject);
          },
          onDelivery: (data) => {
            const { onVirtualParticipantChanged } = data as { onVirtualParticipantChanged: unknown };
            this.#hear(parseRecord(onVirtualParticipantChanged));
          },
          onLost: reject,
        },
      );
    });
  }

  async list(): Promise<(VpRecord & { alive: boolean })[]> {
    const records: (VpRecord & { alive: boolean })[] = [];
    let nextToken: string | null = null;
    do {
      const answer: Record<string, unknown> = await this.#client.request(LIST, { nextToken });
      const page = answer['listVirtualParticipants'] as { items: { alive: boolean }[]; nextToken: string | null };
      records.push(...page.items.map((item) => ({ ...parseRecord(item), alive: item.alive })));
      nextToken = page.nextToken;
    } while (nextToken !== null);
    return records;
  }

  async invite(input: { stageArn: string; assetName?: string }): Promise<Invite> {
    const sentAtMs = performance.now();
    const { inviteVirtualParticipant } = await this.#client.request(INVITE, {
      input: { ...input, userId: 'smoke', maxDurationSeconds: 600 },
    });
    const { id, epoch } = parseRecord(inviteVirtualParticipant);
    return { id, epoch, sentAtMs };
  }

  async kick({ id, epoch }: Invite): Promise<void> {
    await this.#client.request(KICK, { input: { id, epoch, reason: 'SMOKE' } });
  }

  /** Resolves with the first time that this status of the invite was heard; rejects as soon as it cannot come any more. */
  async until(attempt: Attempt, { id, epoch }: Invite, status: VpStatus): Promise<Heard> {
    for (;;) {
      const ofInvite = this.#heard.filter(({ record }) => record.id === id && record.epoch === epoch);
      const found = ofInvite.find(({ record }) => record.status === status);
      if (found !== undefined) return found;
      attempt.note(`${id} ${ofInvite.map(({ record }) => record.status).join(', ')}`);
      const failure = ofInvite.find(({ record }) => record.status === 'ERRORED')?.record.failure;
      if (failure && status !== 'AVAILABLE') throw new Error(`${id} is ERRORED, ${failure.code}: ${failure.message}`);
      const { signal } = this.#wake;
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve, { once: true });
        attempt.signal.addEventListener('abort', resolve, { once: true });
      });
      attempt.signal.throwIfAborted();
    }
  }

  /**
   * Tries to register a virtual participant that is none, as somebody who may not.
   *
   * @throws {Error} if that was not refused
   */
  async registerAsStranger(): Promise<void> {
    const { apiKey } = this.#target;
    const client = apiKey === null ? this.#client : createAppSyncClient({ url: this.#target.graphqlApiUrl, apiKey });
    const input = { id: `smoke-${randomUUID()}`, owner: randomUUID() };
    try {
      await client.request(REGISTER, { input });
    } catch (error) {
      if (error instanceof AppSyncError && error.kind === 'unauthorized') return;
      throw error;
    } finally {
      if (client !== this.#client) await client.close();
    }
    throw new Error(`It was taken: there is a record "${input.id}" now, which nobody will ever report for.`);
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  #hear(record: VpRecord): void {
    const known = this.#heard.findLast((one) => one.record.id === record.id);
    if (!isNewer(record, known?.record ?? null)) return;
    this.#heard.push({ record, atMs: performance.now() });
    this.#wake.abort();
    this.#wake = new AbortController();
  }
}
