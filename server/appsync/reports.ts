import type { StatusReport } from '../../machines/participant-link.ts';
import { legalSteps, type VpStatus } from '../../machines/status.ts';
import { createBackoff } from './backoff.ts';
import { AppSyncError } from './errors.ts';
import { isNewer, type VpRecord } from './record.ts';

/** What is so, with the kind of media source in use. */
export interface Report extends StatusReport {
  source?: string | null;
}

/** What became of a report. */
export type ReportOutcome =
  /** The record says it, or said it before something else was asked. */
  | 'taken'
  /** A newer report came while this one waited. */
  | 'superseded'
  /** It is of an invite or of a process that is over. */
  | 'stale'
  /** The record knows better (it was kicked meanwhile), or the report is not valid. */
  | 'refused'
  /** It was not told before the end. */
  | 'closed';

/** The `input` of `reportVirtualParticipant`, without `id` and `owner`. */
export interface ReportInput extends Report {
  /** The same when it is sent again, as its first sending may have been taken. */
  sequence: number;
}

export interface ReportQueueOptions {
  /** @throws {AppSyncError} nothing else */
  send(input: ReportInput): Promise<void>;
  /** The newest record that is known. */
  known(): VpRecord | null;
  /** A try failed, and another follows. */
  onFailed(error: AppSyncError): void;
  random?: (() => number) | undefined;
}

type Moment = Pick<VpRecord, 'status' | 'epoch' | 'version'>;

interface Entry {
  report: Report;
  told: Promise<ReportOutcome>;
  settle(outcome: ReportOutcome): void;
  /** The step that was sent last, while it is not known whether it was taken. */
  open: { status: VpStatus; sequence: number } | null;
  refusals: number;
}

const ENDS: readonly VpStatus[] = ['KICKED', 'ERRORED'];
const MOST_REFUSALS = 3;

/**
 * Reports in their order, one at a time, by legal steps from what the record says. Each is tried until it is answered.
 * While it waits a newer one takes its place, unless it tells the end of an invite: that is told whatever comes after.
 */
export class ReportQueue {
  readonly #options: ReportQueueOptions;
  readonly #backoff;
  #entries: Entry[] = [];
  #sequence = 0;
  #leastEpoch: number | null = null;
  /** What a refusal said of the record, which may be newer than the record that is known. */
  #corrected: Moment | null = null;
  /** A request was not answered: the record may say more than is known. */
  #isUncertain = false;
  #isSending = false;
  #timer: NodeJS.Timeout | undefined;
  #end: ReportOutcome | null = null;

  constructor(options: ReportQueueOptions) {
    this.#options = options;
    this.#backoff = createBackoff(options.random);
  }

  /** Begins to send. What a process tells before its first invite is of the epoch that was registered. */
  begin(registeredEpoch: number): void {
    this.#leastEpoch = registeredEpoch;
    this.wake();
  }

  add(report: Report): Promise<ReportOutcome> {
    if (this.#end !== null) return Promise.resolve(this.#end);
    const last = this.#entries.at(-1);
    if (last && JSON.stringify(last.report) === JSON.stringify(report)) return last.told;
    const [first] = this.#entries;
    this.#entries = this.#entries.filter((entry) => {
      const stays = ENDS.includes(entry.report.status) || (entry === first && this.#isSending);
      if (!stays) entry.settle('superseded');
      return stays;
    });
    let settle: Entry['settle'] = () => {};
    const told = new Promise<ReportOutcome>((resolve) => {
      settle = resolve;
    });
    this.#entries.push({ report, told, settle, open: null, refusals: 0 });
    this.wake();
    return told;
  }

  /** Tries again now: there is something new to say, or the API was heard again. */
  wake(): void {
    clearTimeout(this.#timer);
    if (!this.#isSending) void this.#run();
  }

  /** Nothing more is sent; what waits ends as `outcome`. */
  close(outcome: ReportOutcome): void {
    this.#end ??= outcome;
    clearTimeout(this.#timer);
    for (const { settle } of this.#entries) settle(this.#end);
    this.#entries = [];
  }

  async #run(): Promise<void> {
    this.#isSending = true;
    let entry = this.#next();
    while (entry !== null) {
      const outcome = await this.#tell(entry.head, entry.leastEpoch);
      if (this.#end !== null) return;
      if (outcome === null && this.#entries.length > 1 && !ENDS.includes(entry.head.report.status)) {
        this.#entries.shift();
        entry.head.settle('superseded');
      }
      if (outcome === null) {
        this.#timer = setTimeout(() => this.wake(), this.#backoff.next());
        break;
      }
      if (outcome !== 'again') {
        this.#entries.shift();
        entry.head.settle(outcome);
      }
      entry = this.#next();
    }
    this.#isSending = false;
  }

  #next(): { head: Entry; leastEpoch: number } | null {
    const [head] = this.#entries;
    return head && this.#leastEpoch !== null ? { head, leastEpoch: this.#leastEpoch } : null;
  }

  /** @returns `null`: try it later; `again`: one step of it was made, or the record was found to be another */
  async #tell(entry: Entry, leastEpoch: number): Promise<ReportOutcome | 'again' | null> {
    const report = { ...entry.report, epoch: Math.max(entry.report.epoch, leastEpoch) };
    const record = this.#present();
    if (record.epoch > report.epoch) return 'stale';
    const steps = legalSteps(record.status ?? 'NONE', report.status);
    // Only an invite makes an AVAILABLE one INVITED.
    if (steps === null || (report.status === 'INVITED' && record.status === 'AVAILABLE')) return 'refused';
    if (steps.length === 0 && !this.#isUncertain && saysNothingNew(report, this.#options.known())) return 'taken';

    const status = steps[0] ?? report.status;
    if (entry.open?.status !== status) {
      this.#sequence += 1;
      entry.open = { status, sequence: this.#sequence };
    }
    const { sequence } = entry.open;
    const isStep = status !== report.status;
    try {
      await this.#options.send({ ...report, ...(isStep && { status, reason: null, failure: null }), sequence });
    } catch (error) {
      if (!(error instanceof AppSyncError)) throw error;
      if (error.kind !== 'refused') {
        this.#isUncertain = true;
        if (this.#end === null) this.#options.onFailed(error);
        return null;
      }
      entry.open = null;
      return this.#outcomeOf(error, entry, record);
    }
    this.#isUncertain = false;
    this.#backoff.reset();
    entry.open = null;
    return isStep ? 'again' : 'taken';
  }

  #outcomeOf({ code, info }: AppSyncError, entry: Entry, assumed: Moment): ReportOutcome | 'again' {
    if (code === 'BAD_INPUT') return 'refused';
    if (code !== 'ILLEGAL_TRANSITION') return 'stale';
    const { status = null, epoch, version } = info as Partial<Moment>;
    entry.refusals += 1;
    if (epoch === undefined || version === undefined || status === assumed.status) return 'refused';
    if (entry.refusals >= MOST_REFUSALS) return 'refused';
    this.#corrected = { status, epoch, version };
    return 'again';
  }

  #present(): Moment {
    const known = this.#options.known();
    if (this.#corrected !== null && (known === null || isNewer(this.#corrected, known))) return this.#corrected;
    return known ?? { status: null, epoch: 0, version: 0 };
  }
}

function saysNothingNew(report: Report, record: VpRecord | null): boolean {
  if (record === null || record.status !== report.status || record.reason !== report.reason) return false;
  // With these the record forgets who it was on the stage.
  if (report.status === 'AVAILABLE' || report.status === 'STOPPED') return true;
  const { participantId, source = null, failure } = report;
  return (
    (participantId === null || participantId === record.participantId) &&
    (source === null || source === record.source) &&
    (failure?.code ?? null) === (record.failure?.code ?? null)
  );
}
