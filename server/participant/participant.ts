import { type Actor, createActor, type InspectionEvent } from 'xstate';
import { failure } from '../../machines/failures.ts';
import {
  type PARTICIPANT_DELAYS,
  type ParticipantActor,
  type ParticipantSnapshot,
  participantMachine,
} from '../../machines/participant.ts';
import { type StatusReport, statusOf } from '../../machines/participant-link.ts';
import type { VpStatus } from '../../machines/status.ts';
import type { ControlPlane, ReportOutcome, VpRecord } from '../appsync/control-plane.ts';
import { enforceLeaveActor, type ParticipantPorts, prepareActor } from './actors.ts';

export interface ParticipantOptions extends ParticipantPorts {
  control: ControlPlane;
  /** Deadlines of the machine, in milliseconds. Default: `PARTICIPANT_DELAYS`. */
  delays?: Partial<Record<keyof typeof PARTICIPANT_DELAYS, number>>;
  /** Another process has taken over the id. */
  onOwnerLost(): void;
  onStatus(report: StatusReport): void;
  /** Where the session region of the machine stands, such as `active.invited.joining`. */
  onState(state: string): void;
  inspect?: (event: InspectionEvent) => void;
}

/** One virtual participant: its machine, bound to the control plane, IVS and the page. */
export interface Participant {
  readonly actor: ParticipantActor;
  isDraining(): boolean;
  isOnline(): boolean;
  /** The kind of media source that the page says it uses. */
  noteSource(source: string | null): void;
  /** Leaves the stage, tells STOPPED, and resolves when there is nothing more to do. */
  drain(reason: string): Promise<void>;
}

/** For STOPPED to reach the control plane when the participant has ended. */
const LAST_REPORT_TIMEOUT_MS = 3_000;

const UNDER_WAY: readonly VpStatus[] = ['INVITED', 'CONNECTED', 'PUBLISHED'];
const DRAINED = failure('DRAINED', 'The virtual participant was shut down before the invite had ended. Invite again.');

/** Starts the machine of a virtual participant and binds it to the control plane. */
export function startParticipant(options: ParticipantOptions): Participant {
  const { control } = options;
  const machine = participantMachine.provide({
    actors: { prepare: prepareActor(options), enforceLeave: enforceLeaveActor(options) },
    ...(options.delays && { delays: options.delays }),
  });
  const actor = createActor(machine, options.inspect ? { inspect: options.inspect } : {});
  const reporter = new Reporter(actor, options);
  let record: VpRecord | null = null;
  let wasFree = false;
  actor.subscribe((snapshot) => {
    reporter.tell(snapshot);
    options.onState(stateOf(snapshot));
    const isFree = snapshot.matches({ serving: { session: 'available' } });
    // An invite that came while the last one was still leaving the stage was not taken then.
    if (isFree && !wasFree && record !== null) askOf(actor, record);
    wasFree = isFree;
  });
  actor.start();
  control.start({
    onOnline: () => actor.send({ type: 'control.online' }),
    onOffline: () => actor.send({ type: 'control.offline' }),
    onOwnerLost() {
      reporter.loseOwner();
      options.onOwnerLost();
    },
    onRecord(read) {
      record = read;
      reporter.hear(read, () => askOf(actor, read));
    },
  });

  const stopped = new Promise<void>((resolve) => {
    actor.subscribe({ complete: resolve });
  });
  return {
    actor,
    isDraining: () => !actor.getSnapshot().matches({ serving: { process: 'running' } }),
    isOnline: () => actor.getSnapshot().matches({ serving: { control: 'online' } }),
    noteSource: (source) => reporter.noteSource(source),
    async drain(reason) {
      actor.send({ type: 'drain', reason });
      await stopped;
      await reporter.settled(LAST_REPORT_TIMEOUT_MS);
    },
  };
}

function stateOf({ value }: ParticipantSnapshot): string {
  const session: unknown = typeof value === 'string' ? value : value.serving.session;
  const path: string[] = [];
  let rest: unknown = session;
  while (typeof rest === 'object' && rest !== null) {
    const [[name, inner] = ['', null]] = Object.entries(rest);
    path.push(name);
    rest = inner;
  }
  return [...path, String(rest)].join('.');
}

/** Acts on what the record asks for; what it says of the past is not news. */
function askOf(actor: Actor<typeof participantMachine>, record: VpRecord): void {
  if (record.status === 'INVITED' && record.stageArn !== null) {
    const { epoch, stageArn, assetName, loop, userId, attributes, maxDurationSeconds } = record;
    actor.send({
      type: 'invite.received',
      invite: { epoch, stageArn, assetName, loop, userId, attributes, maxDurationSeconds },
    });
  }
  if (record.status === 'KICKED') {
    actor.send({ type: 'kick.received', epoch: record.epoch, reason: record.reason ?? 'KICKED' });
  }
}

/** Tells the control plane what is so, whenever that changed or the record says otherwise. */
class Reporter {
  readonly #actor: Actor<typeof participantMachine>;
  readonly #options: ParticipantOptions;
  #told = '';
  #source: string | null = null;
  #record: VpRecord | null = null;
  #last: Promise<ReportOutcome> = Promise.resolve('taken');
  #isOwner = true;
  #onTold = () => {};

  constructor(actor: Actor<typeof participantMachine>, options: ParticipantOptions) {
    this.#actor = actor;
    this.#options = options;
  }

  noteSource(source: string | null): void {
    this.#source = source;
    this.tell(this.#actor.getSnapshot());
  }

  tell(snapshot: ParticipantSnapshot): void {
    const status = this.#statusOf(snapshot);
    if (status === null || this.#isAsked(status)) return;
    const report = { ...status, source: status.status === 'PUBLISHED' ? this.#source : null };
    const key = JSON.stringify(report);
    if (key === this.#told) return;
    this.#told = key;
    this.#options.onStatus(report);
    this.#last = this.#options.control.report(report).then((outcome) => {
      const { epoch, status: told } = status;
      if (told === 'KICKED' || told === 'ERRORED') this.#actor.send({ type: 'status.reported', epoch, status: told });
      return outcome;
    });
    this.#onTold();
  }

  /** Nothing that is told from now on is taken. */
  loseOwner(): void {
    this.#isOwner = false;
  }

  /**
   * What is so is told again where the record says otherwise: what was told may have been overtaken by what was asked.
   * `act` does what the record asks for; what comes of that is told by itself.
   */
  hear(record: VpRecord, act: () => void): void {
    this.#record = record;
    const before = this.#told;
    act();
    if (this.#told !== before) return;
    const report = this.#statusOf(this.#actor.getSnapshot());
    if (report === null || record.epoch > report.epoch || record.status === report.status) return;
    if (record.status === 'INVITED' && report.status !== 'AVAILABLE' && report.status !== 'STOPPED') return;
    this.#told = '';
    this.tell(this.#actor.getSnapshot());
  }

  /** The invite itself says INVITED: to repeat it would only hold up what comes next. */
  #isAsked({ status, epoch }: StatusReport): boolean {
    return status === 'INVITED' && this.#record?.status === 'INVITED' && this.#record.epoch === epoch;
  }

  /**
   * STOPPED ends what the record says, also an invite that came too late to be taken: whoever invited should invite
   * again, and not wait for one who is gone.
   */
  #statusOf(snapshot: ParticipantSnapshot): StatusReport | null {
    const report = statusOf(snapshot);
    const record = this.#record;
    if (report?.status !== 'STOPPED' || record === null) return report;
    const isCutOff = record.epoch >= report.epoch && record.status !== null && UNDER_WAY.includes(record.status);
    const end = { ...report, epoch: Math.max(report.epoch, record.epoch) };
    return isCutOff ? { ...end, reason: DRAINED.code, failure: DRAINED } : end;
  }

  /** Resolves when the last report is taken or given up, or after `timeoutMs`. */
  async settled(timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.#untilTaken(), timeout]);
    clearTimeout(timer);
  }

  /** What comes too late for the record is told again as soon as that was read. */
  async #untilTaken(): Promise<void> {
    let last: Promise<ReportOutcome>;
    do {
      last = this.#last;
      const outcome = await last.catch(() => 'closed');
      if (outcome === 'stale' && this.#isOwner && last === this.#last) {
        await new Promise<void>((resolve) => {
          this.#onTold = resolve;
        });
      }
    } while (last !== this.#last);
  }
}
