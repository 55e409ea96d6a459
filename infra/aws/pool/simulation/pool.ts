import { countPool, desiredCount, type PoolCounts, type PoolLimits, type PoolRecord } from '../policy.ts';
import { Clock, createRandom, type Random } from './clock.ts';
import { Service, type Task } from './service.ts';

export interface PoolOptions extends PoolLimits {
  /** How long a task takes from its start to AVAILABLE, at least and at most. */
  startS: readonly [number, number];
  seed: number;
}

interface Session {
  readonly task: Task;
  readonly claimedS: number;
  isOver: boolean;
  /** What its caller does who is told that it was cut off. */
  inviteAgain(): void;
}

/** From a change of a status until the scaler has read the table. */
const STREAM_S = 0.5;
/** From `UpdateService` until ECS acts on it. */
const UPDATE_S = 1;
/** From the invite until ECS has taken the protection. */
const PROTECT_S = 0.4;
/** From the invite until it is PUBLISHED. */
const PUBLISH_S = 0.8;
/** From a kick until the place is free again. */
const LEAVE_S = 0.3;
/** A caller who gets NO_CAPACITY invites again so often, for so long. */
const RETRY_S = 2;
const GIVE_UP_S = 60;
/** A caller who hears nothing of the invite kicks it and invites again. */
const SILENCE_S = 30;
/** As long as the resolvers let an invite claim one that is not seen any more. */
const SEEN_S = 30;

/** The pool as its callers and its operator see it: invites, the scaler with its policy, and the service. */
export class Pool {
  readonly clock = new Clock();
  /** What callers want, which is the same whatever becomes of it. */
  readonly random: Random;
  readonly service: Service;
  /** Seconds from the first invite to the claim that came to something. */
  readonly waitsS: number[] = [];
  refused = 0;
  /** Invites that found a task in its last moment, and were made again. */
  again = 0;
  /** Sessions that were published and that ECS ended: there may be none. */
  cut = 0;
  statusChanges = 0;
  countChanges = 0;
  mostDesired = 0;
  readonly #options: PoolOptions;
  readonly #chance: Random;
  readonly #sessions = new Map<Task, Session>();
  #isQueued = false;
  #takenS = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.random = createRandom(options.seed);
    this.#chance = createRandom(options.seed + 1);
    this.service = new Service(this.clock, this.#chance, options.startS, {
      onStatus: () => this.#onStatus(),
      onStop: (task) => this.#onStop(task),
    });
  }

  /** How long all sessions together have lasted until now. */
  get takenS(): number {
    const { nowS } = this.clock;
    return [...this.#sessions.values()].reduce((sum, { claimedS }) => sum + nowS - claimedS, this.#takenS);
  }

  get counts(): PoolCounts {
    const { nowS } = this.clock;
    const records = this.service.tasks
      .filter(({ status, goneS, lastSeenS }) => status !== undefined && (goneS === null || lastSeenS !== null))
      .map(({ status, lastSeenS }) => ({ status, lastSeenAt: (lastSeenS ?? nowS) * 1_000 }) as PoolRecord);
    return countPool(records, nowS * 1_000);
  }

  /** Somebody wants a virtual participant for `lengthS` seconds. */
  invite(lengthS: number, firstS = this.clock.nowS): void {
    const { nowS } = this.clock;
    const free = this.service.tasks.filter(
      ({ status, lastSeenS }) => status === 'AVAILABLE' && (lastSeenS === null || nowS - lastSeenS <= SEEN_S),
    );
    const task = this.#chance.pick(free);
    if (task) this.#claim(task, lengthS, firstS);
    else if (nowS - firstS >= GIVE_UP_S) this.refused += 1;
    else this.clock.after(RETRY_S, () => this.invite(lengthS, firstS));
  }

  /** One of the running tasks dies without a word. */
  killOne(): void {
    const task = this.#chance.pick(this.service.running.filter(({ lastSeenS }) => lastSeenS === null));
    if (!task) return;
    this.service.kill(task);
    const session = this.#sessions.get(task);
    if (session) this.#end(session);
  }

  #claim(task: Task, lengthS: number, firstS: number): void {
    task.status = 'INVITED';
    this.#onStatus();
    if (task.lastSeenS !== null) {
      this.again += 1;
      this.clock.after(SILENCE_S, () => this.invite(lengthS, firstS));
      return;
    }
    const claimedS = this.clock.nowS;
    const session: Session = { task, claimedS, isOver: false, inviteAgain: () => this.invite(lengthS, firstS) };
    const whileIt = (delayS: number, run: () => void) => {
      this.clock.after(delayS, () => {
        if (!session.isOver) run();
      });
    };
    this.#sessions.set(task, session);
    whileIt(PROTECT_S, () => {
      task.isProtected = true;
      this.waitsS.push(claimedS - firstS);
    });
    whileIt(PUBLISH_S, () => {
      task.status = 'PUBLISHED';
      this.#onStatus();
    });
    whileIt(lengthS, () => {
      task.status = 'KICKED';
      this.#onStatus();
      whileIt(LEAVE_S, () => this.#free(session));
    });
  }

  #free(session: Session): void {
    const { task } = session;
    this.#end(session);
    task.status = 'AVAILABLE';
    task.isProtected = false;
    this.#onStatus();
    this.service.reconcile();
  }

  #end(session: Session): void {
    session.isOver = true;
    this.#takenS += this.clock.nowS - session.claimedS;
    this.#sessions.delete(session.task);
  }

  /** ECS ends a task. It never should while it is in use; before it is protected it may, and then the caller is told. */
  #onStop(task: Task): void {
    const session = this.#sessions.get(task);
    if (!session) return;
    this.#end(session);
    if (task.status === 'PUBLISHED') this.cut += 1;
    this.again += 1;
    session.inviteAgain();
  }

  #onStatus(): void {
    this.statusChanges += 1;
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.clock.after(STREAM_S, () => {
      this.#isQueued = false;
      this.#scale();
    });
  }

  #scale(): void {
    const { service } = this;
    const desired = desiredCount(this.counts, this.#options, service.desired);
    if (desired === service.desired) return;
    this.countChanges += 1;
    this.mostDesired = Math.max(this.mostDesired, desired);
    service.desired = desired;
    this.clock.after(UPDATE_S, () => service.reconcile());
  }
}
