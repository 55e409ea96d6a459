import { type Backoff, createBackoff } from '../appsync/backoff.ts';
import type { Log } from '../appsync/control-plane.ts';
import { AGENT_TIMEOUT_MS, type ProtectionAnswer, protectTask } from './agent.ts';

export interface TaskProtectionOptions {
  /** What ECS gives as `ECS_AGENT_URI`. */
  agentUrl: string;
  log: Log;
  /** Default: {@link RENEW_INTERVAL_MS}. */
  renewIntervalMs?: number;
  /** For each request. Default: `AGENT_TIMEOUT_MS`. */
  timeoutMs?: number;
  /** Default: `Math.random`. */
  random?: () => number;
}

/** Keeps ECS from stopping this task for scale-in or a deployment while it is in use. */
export interface TaskProtection {
  /** Says whether the task is in use. Returns at once: ECS is told beside whatever goes on, again and again until it takes it. */
  hold(isInUse: boolean): void;
  /** Tells ECS nothing more. */
  close(): void;
}

/**
 * How long a protection lasts unless it is renewed: a task that cannot end it any more, since it hangs or has lost the
 * agent, holds up no deployment for longer.
 */
export const LEASE_MINUTES = 60;
/** Two renewals may fail before a protection ends. */
export const RENEW_INTERVAL_MS = 20 * 60 * 1_000;

export function createTaskProtection(options: TaskProtectionOptions): TaskProtection {
  return new EcsTaskProtection(options);
}

class EcsTaskProtection implements TaskProtection {
  readonly #options: TaskProtectionOptions;
  readonly #backoff: Backoff;
  #isInUse = false;
  #isAsking = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;
  /** The failure that the log has since the last success. */
  #told = '';

  constructor(options: TaskProtectionOptions) {
    this.#options = options;
    this.#backoff = createBackoff(options.random);
  }

  hold(isInUse: boolean): void {
    if (isInUse === this.#isInUse) return;
    this.#isInUse = isInUse;
    this.#backoff.reset();
    this.#wake();
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** One request at a time: of two at once ECS could carry out the older one last. */
  #wake(): void {
    clearTimeout(this.#timer);
    if (!this.#isAsking && !this.#isClosed) void this.#run();
  }

  async #run(): Promise<void> {
    const { agentUrl, timeoutMs = AGENT_TIMEOUT_MS, renewIntervalMs = RENEW_INTERVAL_MS } = this.#options;
    const isInUse = this.#isInUse;
    this.#isAsking = true;
    const answer = await protectTask(agentUrl, isInUse ? LEASE_MINUTES : null, timeoutMs);
    this.#isAsking = false;
    if (this.#isClosed) return;
    this.#note(answer, isInUse);
    if (isInUse !== this.#isInUse) return this.#wake();
    if (answer.kind === 'done') {
      this.#backoff.reset();
      if (isInUse) this.#timer = setTimeout(() => this.#wake(), renewIntervalMs);
    } else if (!isForGood(answer)) {
      this.#timer = setTimeout(() => this.#wake(), this.#backoff.next());
    }
  }

  /** Says each failure once, until something succeeds. */
  #note(answer: ProtectionAnswer, isInUse: boolean): void {
    const { log } = this.#options;
    if (answer.kind === 'done') {
      this.#told = '';
      log.debug({}, isInUse ? 'ECS protects this task.' : 'ECS may stop this task.');
      return;
    }
    const what = isInUse ? 'protect this task' : 'end the protection of this task';
    const words =
      answer.kind === 'refused'
        ? `ECS refused to ${what}: ${answer.reason}.`
        : `ECS could not be asked to ${what}: ${answer.reason}.`;
    const then = isForGood(answer) ? 'It belongs to no service, so nothing would stop it.' : 'It is tried again.';
    log[this.#told === words ? 'debug' : 'warn']({ kind: answer.kind }, `${words} ${then}`);
    this.#told = words;
  }
}

/** A task that was started by itself, without a service: "API failure reasons" in the Developer Guide. */
function isForGood(answer: ProtectionAnswer): boolean {
  return answer.kind === 'refused' && answer.reason === 'TASK_NOT_VALID';
}
