import type { ControlPlane, ControlPlaneListener, Report, ReportOutcome, VpRecord } from '../control-plane.ts';
import { emptyRecord } from './fake-client.ts';

/** A control plane without a network: the test says what it tells, and sees what is told to it. */
export class FakeControlPlane implements ControlPlane {
  /** Every report, in order. */
  readonly reports: Report[] = [];
  /** What the next reports become; `null`: they wait for {@link settle}. */
  outcome: ReportOutcome | null = 'taken';
  record: VpRecord;
  isClosed = false;
  #listener: ControlPlaneListener | null = null;
  #waiting: ((outcome: ReportOutcome) => void)[] = [];

  constructor(id = 'vp-1') {
    this.record = emptyRecord(id);
  }

  start(listener: ControlPlaneListener): void {
    this.#listener = listener;
  }

  report(report: Report): Promise<ReportOutcome> {
    this.reports.push(report);
    if (this.isClosed) return Promise.resolve('closed');
    if (this.outcome !== null) return Promise.resolve(this.outcome);
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    this.settle('closed');
  }

  /** Registered, subscribed and read: gives the record, then tells that it is online. */
  goOnline(): void {
    this.change({});
    this.#started().onOnline();
  }

  goOffline(reason = 'The subscription was lost.'): void {
    this.#started().onOffline(reason);
  }

  loseOwner(): void {
    this.#started().onOwnerLost();
  }

  /** An invite claims it: the next epoch, INVITED. */
  invite(fields: Partial<VpRecord> = {}): void {
    const stageArn = 'arn:aws:ivs:eu-west-1:123456789012:stage/abcdefghijkl';
    const { id } = this.record;
    this.change({ ...emptyRecord(id), stageArn, status: 'INVITED', epoch: this.record.epoch + 1, ...fields });
  }

  kick(reason = 'KICKED'): void {
    this.change({ status: 'KICKED', reason });
  }

  /** Changes the record and tells it; `version` moves by itself. */
  change(fields: Partial<VpRecord>): void {
    this.record = { ...this.record, ...fields, version: this.record.version + 1 };
    this.#listener?.onRecord(this.record);
  }

  /** Gives every waiting report its outcome. */
  settle(outcome: ReportOutcome): void {
    for (const settle of this.#waiting.splice(0)) settle(outcome);
  }

  #started(): ControlPlaneListener {
    if (this.#listener === null) throw new Error('The control plane was not started.');
    return this.#listener;
  }
}
