import type { VpStatus } from '../../../../machines/status.ts';
import type { Clock, Random } from './clock.ts';

/** A task of the service, and the record of its virtual participant. */
export interface Task {
  readonly deployment: number;
  readonly startedS: number;
  /** `undefined` until it is ready for the first time. */
  status: VpStatus | undefined;
  isProtected: boolean;
  /** When it was last seen before it died without a word; `null`: it lives. */
  lastSeenS: number | null;
  /** When it was gone; `null`: it is there, and paid for. */
  goneS: number | null;
}

export interface ServiceListener {
  onStatus(task: Task): void;
  /** ECS ends the task, which leaves its stage. */
  onStop(task: Task): void;
}

/** From SIGTERM to the end of a task. */
const DRAIN_S = 1;

/**
 * What of an ECS service matters here: it starts and stops tasks until there are as many as desired, never stops a
 * protected one, and replaces all others in a deployment (at least 100 %, at most 200 % of the desired count).
 * Whom it stops, of those it may, is left to chance, a task in its start included: ECS does not say.
 */
export class Service {
  readonly tasks: Task[] = [];
  desired = 1;
  mostRunning = 0;
  #deployment = 0;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #startS: readonly [number, number];
  readonly #listener: ServiceListener;

  /** @param startS - how long a task takes to be AVAILABLE, at least and at most */
  constructor(clock: Clock, random: Random, startS: readonly [number, number], listener: ServiceListener) {
    this.#clock = clock;
    this.#random = random;
    this.#startS = startS;
    this.#listener = listener;
    this.reconcile();
  }

  get running(): Task[] {
    return this.tasks.filter(({ goneS, status }) => goneS === null && status !== 'STOPPED');
  }

  deploy(): void {
    this.#deployment += 1;
    this.reconcile();
  }

  /** The task dies without a word, and ECS notices after a while. */
  kill(task: Task): void {
    task.lastSeenS = this.#clock.nowS - this.#random.between(0, 10);
    this.#clock.after(3, () => {
      task.goneS ??= this.#clock.nowS;
      this.reconcile();
    });
  }

  reconcile(): void {
    const present = this.running.filter(({ deployment }) => deployment === this.#deployment);
    const room = 2 * this.desired - this.running.length;
    for (let left = Math.min(this.desired - present.length, room); left > 0; left -= 1) this.#start();
    this.#stopSome(present, present.length - this.desired);
    const former = this.running.filter(({ deployment }) => deployment < this.#deployment);
    const isStarting = ({ status }: Task) => status === undefined;
    this.#stopSome(former.filter(isStarting), former.length);
    const ready = this.running.filter((task) => !isStarting(task));
    this.#stopSome(
      former.filter((task) => !isStarting(task)),
      ready.length - this.desired,
    );
    this.mostRunning = Math.max(this.mostRunning, this.running.length);
  }

  #start(): void {
    const task: Task = {
      deployment: this.#deployment,
      startedS: this.#clock.nowS,
      status: undefined,
      isProtected: false,
      lastSeenS: null,
      goneS: null,
    };
    this.tasks.push(task);
    this.#clock.after(this.#random.between(...this.#startS), () => {
      if (task.status !== undefined || task.goneS !== null || task.lastSeenS !== null) return;
      task.status = 'AVAILABLE';
      this.#listener.onStatus(task);
      this.reconcile();
    });
  }

  #stopSome(of: Task[], count: number): void {
    const mayBeStopped = of.filter(({ isProtected }) => !isProtected);
    for (let left = count; left > 0 && mayBeStopped.length > 0; left -= 1) {
      const task = this.#random.pick(mayBeStopped) as Task;
      mayBeStopped.splice(mayBeStopped.indexOf(task), 1);
      this.#listener.onStop(task);
      task.status = 'STOPPED';
      this.#listener.onStatus(task);
      this.#clock.after(DRAIN_S, () => {
        task.goneS ??= this.#clock.nowS;
      });
    }
  }
}
