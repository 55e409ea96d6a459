import { createActor, fromPromise } from 'xstate';
import type { ParticipantActor, ParticipantInvite, Preparation } from '../participant.ts';
import { participantMachine } from '../participant.ts';
import { reportOf, statusOf, updateOf } from '../participant-link.ts';
import { parsePageMessage, stringify } from '../protocol.ts';
import type { FakeRecord } from './fake-record.ts';
import type { FakeStage } from './fake-stage.ts';
import type { Connection, End } from './link.ts';
import type { SteppedClock } from './stepped-clock.ts';

const PREPARE_MS = 10;
/** The same in every update, so that two of them differ only if what they say does. */
const TIMESTAMP = '2023-01-01T00:00:00.000Z';

/** The server that each actor system runs in: machines are slow to make, so that all servers share one. */
const servers = new WeakMap<object, ServerEnd>();

const machine = participantMachine.provide({
  actors: {
    prepare: fromPromise<Preparation, { invite: ParticipantInvite | null }>(({ input, system, signal }) =>
      serverOf(system).prepare(input.invite?.epoch ?? 0, signal),
    ),
    enforceLeave: fromPromise<void, { participantId: string | null; stageArn: string | null }>(({ system, signal }) =>
      serverOf(system).enforceLeave(signal),
    ),
  },
});

export interface ServerOptions {
  clock: SteppedClock;
  stage: FakeStage;
  record: FakeRecord;
  epoch: number;
  onViolation: (text: string) => void;
}

/** One process of the server: the participant machine between the record and the connections of the page. */
export class ServerEnd implements End {
  readonly actor: ParticipantActor;
  readonly #options: ServerOptions;
  readonly #connections = new Set<Connection>();
  /** What each connection that subscribed got last. */
  readonly #sent = new Map<Connection, string>();
  readonly #replaced = new Set<string>();
  readonly #left = new Set<number>();
  #pageId: string | null = null;
  #told = '';

  constructor(options: ServerOptions) {
    this.#options = options;
    const { clock, record } = options;
    this.actor = createActor(machine, { clock, input: { epoch: options.epoch } });
    servers.set(this.actor.system, this);
    this.actor.subscribe({
      next: () => this.#onSnapshot(),
      error: (error) => options.onViolation(`The participant machine failed: ${error}`),
    });
    record.onChange = () => this.reconcile();
    record.onTaken = ({ status, epoch }) => {
      if (status === 'KICKED' || status === 'ERRORED') this.actor.send({ type: 'status.reported', epoch, status });
    };
    this.actor.start();
    this.actor.send({ type: 'control.online' });
  }

  get epoch(): number {
    return this.actor.getSnapshot().context.epoch;
  }

  /** The innermost state of the session, or `stopped`. */
  get state(): string {
    return innermost(this.actor.getSnapshot().value);
  }

  get isActive(): boolean {
    return this.actor.getSnapshot().matches({ serving: { session: 'active' } });
  }

  /** The process is gone. */
  kill(): void {
    this.actor.stop();
  }

  /** Acts on the difference between what is asked and what is so. */
  reconcile(): void {
    const { record } = this.#options;
    const isAhead = record.epoch > this.epoch;
    if (isAhead && record.isAsked) this.actor.send({ type: 'invite.received', invite: inviteOf(record.epoch) });
    if (record.status === 'KICKED' && (isAhead || (record.epoch === this.epoch && this.isActive))) {
      this.actor.send({ type: 'kick.received', epoch: record.epoch, reason: 'KICKED' });
    }
  }

  prepare(epoch: number, signal: AbortSignal): Promise<Preparation> {
    const { clock } = this.#options;
    return new Promise((resolve) => {
      const made = { participantToken: `token ${epoch}`, participantId: `p${epoch}`, asset: null };
      const timer = clock.setTimeout(() => resolve(made), PREPARE_MS);
      signal.addEventListener('abort', () => clock.clearTimeout(timer));
    });
  }

  enforceLeave(signal: AbortSignal): Promise<void> {
    return this.#options.stage.enforceLeave(signal);
  }

  onMessage(connection: Connection, data: string): void {
    const message = parsePageMessage(data);
    if (!this.#admit(connection, message.pageId ?? '')) return;
    if (message.type === 'vp.subscribe_vp') {
      this.#sent.set(connection, '');
      this.actor.send({ type: 'page.ready' });
      this.#update();
    }
    const report = reportOf(message, this.epoch);
    if (report !== null) this.actor.send({ type: 'page.reported', report });
  }

  onClose(connection: Connection): void {
    this.#sent.delete(connection);
    if (!this.#connections.delete(connection) || this.#connections.size > 0) return;
    this.actor.send({ type: 'page.lost', reason: 'PAGE_GONE' });
  }

  /** The newest page wins: the connections of the one before are closed, and what still comes from it is dropped. */
  #admit(connection: Connection, pageId: string): boolean {
    if (this.#replaced.has(pageId)) return false;
    if (pageId !== this.#pageId) {
      if (this.#pageId !== null) this.#replaced.add(this.#pageId);
      this.#pageId = pageId;
      for (const old of [...this.#connections]) {
        this.onClose(old);
        old.cut('lost');
      }
      this.actor.send({ type: 'page.loading' });
    }
    this.#connections.add(connection);
    return true;
  }

  #onSnapshot(): void {
    const status = statusOf(this.actor.getSnapshot());
    const told = status === null ? '' : `${status.status} ${status.epoch}`;
    if (status !== null && told !== this.#told) this.#options.record.report(status);
    this.#told = told;
    if (!this.isActive && this.state !== 'available') this.#left.add(this.epoch);
    if (this.state === 'available') this.#options.clock.setTimeout(() => this.reconcile(), 0);
    this.#update();
  }

  #update(): void {
    const update = updateOf(this.actor.getSnapshot(), TIMESTAMP);
    if (update === null) return;
    const { epoch, participantToken } = update.metadata;
    if (participantToken !== undefined && this.#left.has(epoch ?? 0)) {
      this.#options.onViolation(`The server invited to epoch ${epoch}, which was over.`);
    }
    const data = stringify(update);
    for (const [connection, last] of this.#sent) {
      if (last === data) continue;
      this.#sent.set(connection, data);
      connection.send('to page', data);
    }
  }
}

function serverOf(system: object): ServerEnd {
  const server = servers.get(system);
  if (server === undefined) throw new Error('A participant machine runs outside of a server.');
  return server;
}

function inviteOf(epoch: number): ParticipantInvite {
  return {
    epoch,
    stageArn: 'arn',
    assetName: null,
    loop: true,
    userId: null,
    attributes: {},
    maxDurationSeconds: null,
  };
}

function innermost(value: unknown): string {
  if (typeof value === 'string') return value;
  const state = value as { serving?: { session: unknown } };
  return innermost(state.serving === undefined ? Object.values(state as object)[0] : state.serving.session);
}
