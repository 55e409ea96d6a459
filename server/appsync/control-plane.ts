import { randomUUID } from 'node:crypto';
import { createBackoff } from './backoff.ts';
import type { AppSyncClient } from './client.ts';
import { AppSyncError, unreachable } from './errors.ts';
import { Reader } from './reader.ts';
import { isNewer, parseRecord, RECORD_FIELDS, type VpRecord } from './record.ts';
import { type Report, type ReportInput, type ReportOutcome, ReportQueue } from './reports.ts';
import type { Subscription } from './subscription.ts';

export type { VpRecord } from './record.ts';
export type { Report, ReportOutcome } from './reports.ts';

type LogLine = (fields: object, message: string) => void;

/** The part of a pino logger that is used here. */
export interface Log {
  debug: LogLine;
  info: LogLine;
  warn: LogLine;
  error: LogLine;
}

export interface ControlPlaneListener {
  /** Registered, subscribed, and the record was read since: from now on an invite arrives. */
  onOnline(): void;
  onOffline(reason: string): void;
  /** The newest record that is known; never an older one, but perhaps the same again. */
  onRecord(record: VpRecord): void;
  /** Another process has the id, or the record is gone: leave the stage and exit. Nothing comes after it. */
  onOwnerLost(): void;
}

/** The control plane of one virtual participant, as its server sees it. */
export interface ControlPlane {
  /** Registers, subscribes and reads, and goes on for ever, whatever fails. Once per control plane. */
  start(listener: ControlPlaneListener): void;
  /** Tells what is so; settles when that is taken or can never be. An `epoch` before that of the registration means it. */
  report(report: Report): Promise<ReportOutcome>;
  /** Resolves when nothing is left, no timer and no socket, within 2 s. What was not told is not told any more. */
  close(): Promise<void>;
}

export interface ControlPlaneOptions {
  /** `VP_ID`. */
  id: string;
  /** Closed with the control plane. */
  client: AppSyncClient;
  /** Whether the virtual participant could do what it is asked: without it there is no heartbeat. */
  isAlive(): boolean;
  log: Log;
  /** Of this process alone, used once. Default: random. */
  owner?: string;
  /** Default: `Math.random`. */
  random?: () => number;
}

/** Three of them make up the 30 s after which the control plane takes a virtual participant for gone. */
export const HEARTBEAT_INTERVAL_MS = 10_000;
/** The participant waits 5 s for KICKED and ERRORED to be taken: so there is time for a second try. */
export const REPORT_TIMEOUT_MS = 2_000;
/** For a change of our own to be delivered to us; where it is not, a kick would not be either. */
export const DELIVERY_TIMEOUT_MS = 5_000;

const DOCUMENTS = {
  registerVirtualParticipant: mutation('register'),
  reportVirtualParticipant: mutation('report'),
  heartbeatVirtualParticipant: mutation('heartbeat'),
  getVirtualParticipant: `query Read($id: ID!) { getVirtualParticipant(id: $id) { ${RECORD_FIELDS} } }`,
} as const;

const SUBSCRIPTION = `subscription Watch($id: ID!) { onVirtualParticipantChanged(id: $id) { ${RECORD_FIELDS} } }`;

/** Makes the control plane of the virtual participant `id`; {@link ControlPlane.start} begins. */
export function createControlPlane(options: ControlPlaneOptions): ControlPlane {
  return new AppSyncControlPlane(options);
}

class AppSyncControlPlane implements ControlPlane {
  readonly #options: ControlPlaneOptions;
  readonly #input: { id: string; owner: string };
  readonly #reports: ReportQueue;
  readonly #reader: Reader;
  #listener: ControlPlaneListener | null = null;
  #known: VpRecord | null = null;
  /** Counts the times that the subscription became ready; `null` while it is not. */
  #subscribed: number | null = null;
  #subscriptions = 0;
  #subscription: Subscription | null = null;
  #deliveries = 0;
  #deafTimer: NodeJS.Timeout | undefined;
  #isOnline = false;
  #isBeating = false;
  #isOver = false;
  #timer: NodeJS.Timeout | undefined;
  /** Kinds of failure that the log has since the last success. */
  readonly #told = new Set<string>();

  constructor(options: ControlPlaneOptions) {
    const { id, owner = randomUUID(), random } = options;
    this.#options = options;
    this.#input = { id, owner };
    this.#reports = new ReportQueue({
      send: (input) => this.#send(input),
      known: () => this.#known,
      onFailed: (error) => {
        this.#fail('A report was not taken', error);
        this.#reader.hint();
      },
      random,
    });
    this.#reader = new Reader({
      read: () => this.#read(),
      onFailed: (error) => {
        this.#fail('The record could not be read', error);
        this.#goOffline(messageOf(error));
      },
      random,
    });
  }

  start(listener: ControlPlaneListener): void {
    if (this.#listener !== null) throw new Error('A control plane is started once.');
    this.#listener = listener;
    void this.#register();
  }

  report(report: Report): Promise<ReportOutcome> {
    return this.#reports.add(report);
  }

  async close(): Promise<void> {
    this.#stop('closed');
    await this.#options.client.close();
  }

  async #register(): Promise<void> {
    const backoff = createBackoff(this.#options.random);
    const attempt = async (): Promise<void> => {
      try {
        const record = await this.#ask('registerVirtualParticipant', { input: this.#input });
        if (!this.#isOver) this.#begin(record);
      } catch (error) {
        if (this.#isOver) return;
        this.#fail('Not registered', error);
        this.#timer = setTimeout(attempt, backoff.next());
      }
    };
    await attempt();
  }

  #begin(record: VpRecord): void {
    const { log } = this.#options;
    const { id } = this.#input;
    this.#told.clear();
    log.info({ epoch: record.epoch }, `Registered "${id}" at epoch ${record.epoch}.`);
    this.#timer = setInterval(() => {
      if (this.#options.isAlive()) void this.#beat();
    }, HEARTBEAT_INTERVAL_MS);
    this.#accept(record);
    this.#reports.begin(record.epoch);
    this.#subscription = this.#options.client.subscribe(
      SUBSCRIPTION,
      { id },
      {
        onReady: () => {
          this.#subscriptions += 1;
          this.#subscribed = this.#subscriptions;
          this.#reader.hint();
        },
        onDelivery: (data) => {
          this.#deliveries += 1;
          clearTimeout(this.#deafTimer);
          const { onVirtualParticipantChanged: change } = data as { onVirtualParticipantChanged?: object | null };
          if (this.#isNews(change ?? {})) this.#reader.hint();
        },
        onLost: (error) => {
          this.#subscribed = null;
          clearTimeout(this.#deafTimer);
          this.#fail('Not subscribed', error);
          this.#goOffline(error.message);
        },
      },
    );
  }

  async #read(): Promise<void> {
    const subscribed = this.#subscribed;
    const before = this.#known;
    const record = await this.#ask('getVirtualParticipant', { id: this.#input.id });
    if (this.#isOver) return;
    this.#accept(record);
    // Taken over by another process, which the record itself does not tell: a heartbeat of the former owner is refused.
    if (isNewer(record, before) && (record.reason === 'REPLACED' || record.status === 'STOPPED')) void this.#beat();
    if (subscribed !== null && subscribed === this.#subscribed) this.#goOnline();
  }

  /** Another error of it is left to the next one: whether the API is there is told by the reader. */
  async #beat(): Promise<void> {
    if (this.#isBeating || this.#isOver) return;
    this.#isBeating = true;
    try {
      this.#accept(await this.#ask('heartbeatVirtualParticipant', { input: this.#input }));
    } catch (error) {
      if (!this.#isOver) this.#fail('A heartbeat was not taken', error);
      this.#reader.hint();
    }
    this.#isBeating = false;
  }

  async #send(input: ReportInput): Promise<void> {
    const { status, epoch } = input;
    const before = { deliveries: this.#deliveries, record: this.#known };
    try {
      const variables = { input: { ...this.#input, ...input } };
      const record = await this.#ask('reportVirtualParticipant', variables, REPORT_TIMEOUT_MS);
      this.#accept(record);
      if (isNewer(record, before.record) && this.#deliveries === before.deliveries) this.#expectDelivery();
    } catch (error) {
      if (error instanceof AppSyncError && error.kind === 'refused') {
        this.#options.log.warn({ status, epoch, code: error.code }, `A report was refused: ${error.message}`);
        // A refusal that tells nothing new must not lead to a read, or the listener repeats the report for ever.
        if ('version' in error.info && this.#isNews(error.info)) this.#reader.hint();
      }
      throw error;
    }
  }

  /** A connection can be silent for minutes before its keep-alive is missed, or for ever if it never had one. */
  #expectDelivery(): void {
    if (this.#isOver) return;
    clearTimeout(this.#deafTimer);
    const message = `A change was not delivered within ${DELIVERY_TIMEOUT_MS / 1_000} s.`;
    this.#deafTimer = setTimeout(() => {
      if (this.#subscribed !== null) this.#subscription?.renew(unreachable('NOT_DELIVERED', message));
    }, DELIVERY_TIMEOUT_MS);
  }

  async #ask(
    field: keyof typeof DOCUMENTS,
    variables: Readonly<Record<string, unknown>>,
    timeoutMs?: number,
  ): Promise<VpRecord> {
    try {
      const data = await this.#options.client.request(DOCUMENTS[field], variables, timeoutMs);
      const found = data[field] ?? null;
      if (found === null) throw new AppSyncError('refused', 'NOT_FOUND', `There is no record of "${this.#input.id}".`);
      return parseRecord(found);
    } catch (error) {
      if (error instanceof AppSyncError) {
        if (error.code === 'STALE_OWNER' || error.code === 'NOT_FOUND') this.#loseOwner(error);
        throw error;
      }
      throw new AppSyncError('failed', 'BAD_RECORD', messageOf(error));
    }
  }

  #accept(record: VpRecord): void {
    if (this.#isOver || (this.#known !== null && isNewer(this.#known, record))) return;
    this.#known = record;
    this.#listener?.onRecord(record);
  }

  /** A delivery holds what the mutation's caller selected: without a version it says no more than that there is news. */
  #isNews({ epoch, version }: Partial<Record<'epoch' | 'version', unknown>>): boolean {
    if (typeof epoch !== 'number' || typeof version !== 'number') return true;
    return isNewer({ epoch, version }, this.#known);
  }

  #goOnline(): void {
    this.#told.clear();
    this.#reports.wake();
    if (this.#isOnline || this.#isOver) return;
    this.#isOnline = true;
    this.#options.log.info({}, 'The control plane is online.');
    this.#listener?.onOnline();
  }

  #goOffline(reason: string): void {
    if (!this.#isOnline || this.#isOver) return;
    this.#isOnline = false;
    this.#options.log.warn({}, 'The control plane is offline.');
    this.#listener?.onOffline(reason);
  }

  /** Says each kind of failure once, until something succeeds. */
  #fail(what: string, error: unknown): void {
    const { kind, code } = error instanceof AppSyncError ? error : { kind: 'failed', code: 'INTERNAL' };
    const key = `${kind} ${code}`;
    const hint =
      kind === 'unauthorized'
        ? ' Check GRAPHQL_API_KEY; without it, whether the AWS credentials allow appsync:GraphQL.'
        : '';
    const level = this.#told.has(key) ? 'debug' : kind === 'unauthorized' ? 'error' : 'warn';
    this.#told.add(key);
    this.#options.log[level]({ kind, code }, `${what}: ${messageOf(error)}${hint} It is tried again.`);
  }

  #loseOwner(error: AppSyncError): void {
    if (this.#isOver) return;
    this.#options.log.error({ code: error.code }, `This process has lost the virtual participant: ${error.message}`);
    this.#goOffline(error.code);
    this.#stop('stale');
    this.#listener?.onOwnerLost();
    // Its own calls are what this comes from: they are to end first.
    setImmediate(() => void this.#options.client.close());
  }

  #stop(outcome: ReportOutcome): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#deafTimer);
    this.#reader.close();
    this.#reports.close(outcome);
  }
}

function mutation(verb: 'register' | 'report' | 'heartbeat'): string {
  const type = `${verb[0]?.toUpperCase()}${verb.slice(1)}VirtualParticipantInput`;
  return `mutation ${verb}($input: ${type}!) { ${verb}VirtualParticipant(input: $input) { ${RECORD_FIELDS} } }`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
