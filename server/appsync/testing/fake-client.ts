import { isLegalTransition } from '../../../machines/status.ts';
import type { AppSyncClient, Variables } from '../client.ts';
import { AppSyncError, errorOfType } from '../errors.ts';
import type { VpRecord } from '../record.ts';
import type { ReportInput } from '../reports.ts';
import type { Subscription, SubscriptionHandlers } from '../subscription.ts';

/** A record of which nothing is known but `id`. */
export function emptyRecord(id: string): VpRecord {
  return {
    id,
    status: null,
    epoch: 0,
    version: 0,
    stageArn: null,
    participantId: null,
    userId: null,
    attributes: {},
    assetName: null,
    loop: true,
    maxDurationSeconds: null,
    source: null,
    reason: null,
    failure: null,
    updatedAt: null,
    lastSeenAt: null,
  };
}

/** One virtual participant's API without a network: a record with the rules of the resolvers, and one subscriber. */
export class FakeAppSyncClient implements AppSyncClient {
  /** What was asked, in order: `report CONNECTED 1` with its epoch, or the name alone. */
  readonly requests: string[] = [];
  /** The `sequence` of every report that was sent. */
  readonly sequences: number[] = [];
  record: VpRecord | null = null;
  owner = '';
  /** Every request fails with it, while it is not null. */
  failure: AppSyncError | null = null;
  /** The next report is taken, but its answer is lost. */
  losesAnswer = false;
  isClosed = false;
  #subscriber: SubscriptionHandlers | null = null;
  #gate: Promise<void> = Promise.resolve();
  #open: () => void = () => {};
  #lastSequence = 0;

  /** Requests that are sent from now on are answered after {@link release}. */
  hold(): void {
    this.#gate = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  release(): void {
    this.#open();
  }

  get subscriber(): SubscriptionHandlers {
    if (this.#subscriber === null) throw new Error('Nobody has subscribed.');
    return this.#subscriber;
  }

  /** Changes the record as others do: by an invite, a kick, another owner. */
  change(fields: Partial<VpRecord>): void {
    const record = this.record ?? emptyRecord('vp-1');
    this.record = { ...record, ...fields, version: record.version + 1 };
  }

  async request(document: string, variables: Variables): Promise<Record<string, unknown>> {
    const field = /\{ (\w+)\(/.exec(document)?.[1] ?? '';
    const verb = field.replace('VirtualParticipant', '');
    const input = { ...(variables['input'] as object | undefined) } as ReportInput & { id: string; owner: string };
    this.requests.push(verb === 'report' ? `report ${input.status} ${input.epoch}` : verb);
    if (verb === 'report') this.sequences.push(input.sequence);
    await this.#gate;
    if (this.failure !== null) throw this.failure;
    if (verb === 'register') this.#register(input.owner);
    if (verb === 'heartbeat' || verb === 'report') this.#requireOwner(input.owner);
    if (verb === 'report') this.#report(input);
    return { [field]: this.record && { ...this.record, attributes: [] } };
  }

  subscribe(_document: string, _variables: Variables, handlers: SubscriptionHandlers): Subscription {
    this.#subscriber = handlers;
    return { renew: handlers.onLost, close: async () => {} };
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  #register(owner: string): void {
    if (this.owner === owner) return;
    this.owner = owner;
    this.#lastSequence = 0;
    this.change(this.record?.status === 'AVAILABLE' ? { status: 'STOPPED', reason: 'REPLACED' } : {});
  }

  #requireOwner(owner: string): void {
    if (this.record === null) throw errorOfType('NOT_FOUND', 'It is not registered.');
    if (this.owner !== owner) throw errorOfType('STALE_OWNER', 'Another process owns it now.');
  }

  #report({ status, epoch, sequence, participantId, reason, failure }: ReportInput): void {
    const record = this.record ?? emptyRecord('vp-1');
    const info = { status: record.status, epoch: record.epoch, version: record.version };
    if (epoch < record.epoch) throw errorOfType('STALE_EPOCH', 'It is at another epoch.', info);
    if (sequence > this.#lastSequence && status !== record.status) {
      const isInvite = status === 'INVITED' && record.status === 'AVAILABLE';
      if (isInvite || !isLegalTransition(record.status ?? 'NONE', status)) {
        throw errorOfType('ILLEGAL_TRANSITION', 'It cannot become so.', info);
      }
      this.#lastSequence = sequence;
      this.change({ status, participantId: participantId ?? record.participantId, reason, failure });
    }
    if (this.losesAnswer) {
      this.losesAnswer = false;
      throw new AppSyncError('unreachable', 'TIMEOUT', 'There was no answer in time.');
    }
  }
}
