import { readFile } from 'node:fs/promises';
import { BUILT } from '../../infra/local/demo/build.ts';
import { type Control, type Seen, watch } from '../../infra/local/demo/control.ts';
import {
  type LogLine,
  type VirtualParticipant as Process,
  startVirtualParticipant,
} from '../../infra/local/demo/virtual-participant.ts';
import { isLegalTransition, type VpStatus } from '../../machines/status.ts';
import { processTree } from '../../server/chromium/processes.ts';

export interface RunOptions {
  id: string;
  environment: Readonly<Record<string, string>>;
  /** What invites go to. */
  stageArn: string;
  /** Where its statuses are seen. */
  graphQl: { url: string; apiKey: string };
}

type InviteInput = Parameters<Control['invite']>[0];

const DEFAULT_TIMEOUT_MS = 15_000;
const POLL_MS = 20;

/** The built server as a process of its own, and what the world sees of it through GraphQL. */
export class VirtualParticipant {
  readonly id: string;
  readonly lines: LogLine[] = [];
  /** What it printed that is no line of the log. */
  readonly texts: string[] = [];
  readonly seen: Seen[] = [];
  readonly process: Process;
  readonly #options: RunOptions;
  #control: Control | null = null;
  #read = 0;

  constructor(options: RunOptions) {
    this.id = options.id;
    this.#options = options;
    this.process = startVirtualParticipant({
      program: BUILT.server,
      environment: {
        VP_ID: options.id,
        ...options.environment,
        LOG_LEVEL: 'trace',
        PAGE_PORT: '0',
        WEBSOCKET_PORT: '0',
        HEALTH_PORT: '0',
      },
      onLog: (line) => this.lines.push(line),
      onText: (text) => this.texts.push(text),
    });
  }

  /** Watches it, from the beginning or anew after the API was away. */
  async watch(): Promise<void> {
    await this.#control?.close();
    this.#control = await watch(this.#options.graphQl.url, this.#options.graphQl.apiKey, this.id);
    const present = this.#control.present();
    if (present !== null) this.seen.push(present);
    this.#control.onSeen((seen) => this.seen.push(seen));
  }

  /** @returns the epoch of the invite */
  async invite(input: Partial<Omit<InviteInput, 'id'>> = {}): Promise<number> {
    return this.#api.invite({ id: this.id, stageArn: this.#options.stageArn, assetName: null, ...input });
  }

  async kick(epoch?: number): Promise<void> {
    await this.#api.kick(this.id, epoch);
  }

  /** Resolves with the next time that it said so, after what was waited for before. */
  async until(status: VpStatus, timeoutMs?: number): Promise<Seen> {
    return this.untilSeen(status, (seen) => seen.status === status, timeoutMs);
  }

  /** As {@link until}, by any of what can be seen. */
  async untilSeen(what: string, matches: (seen: Seen) => boolean, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<Seen> {
    let found = -1;
    await until(
      () => {
        found = this.seen.findIndex((seen, index) => index >= this.#read && matches(seen));
        return found >= 0;
      },
      timeoutMs,
      () => `${this.id} was not seen with ${what}; it was ${this.statuses().join(', ')}${this.#lastLines()}`,
    );
    this.#read = found + 1;
    return this.seen[found] as Seen;
  }

  /** Kicks it if it is invited; resolves when it is free. What was seen until then is not waited for any more. */
  async release(): Promise<void> {
    const status = () => this.seen.at(-1)?.status ?? 'STOPPED';
    if (['INVITED', 'CONNECTED', 'PUBLISHED'].includes(status())) await this.kick();
    await until(
      () => status() === 'AVAILABLE',
      DEFAULT_TIMEOUT_MS,
      () => `${this.id} did not become free; it was ${this.statuses().join(', ')}${this.#lastLines()}`,
    );
    this.#read = this.seen.length;
  }

  /** Resolves with the first line of its log that `matches`. */
  async untilLine(what: string, matches: (line: LogLine) => boolean, timeoutMs = DEFAULT_TIMEOUT_MS): Promise<LogLine> {
    let found: LogLine | undefined;
    await until(
      () => {
        found = this.lines.find(matches);
        return found !== undefined;
      },
      timeoutMs,
      () => `The log of ${this.id} does not say "${what}"${this.#lastLines()}`,
    );
    return found as LogLine;
  }

  /** Resolves once its log says that the control plane is out of reach, or in reach, whichever it was before. */
  async untilControlPlane(is: 'online' | 'offline', timeoutMs = DEFAULT_TIMEOUT_MS): Promise<void> {
    const last = () => this.lines.findLast(({ msg }) => /^The control plane is (online|offline)\.$/.test(msg ?? ''));
    await until(
      () => last()?.msg === `The control plane is ${is}.`,
      timeoutMs,
      () => `The control plane of ${this.id} is not ${is}${this.#lastLines()}`,
    );
  }

  /** The statuses of one invite, or all, without repeats. */
  statuses(epoch?: number): (VpStatus | 'NONE')[] {
    return this.seen
      .filter((seen) => epoch === undefined || seen.epoch === epoch)
      .map(({ status }) => status ?? 'NONE')
      .filter((status, index, all) => status !== all[index - 1]);
  }

  /** Steps that no record may make. */
  illegalSteps(): string[] {
    const all = this.statuses();
    return all.flatMap((to, index) => {
      const from = all[index - 1] ?? 'NONE';
      return index === 0 || (to !== 'NONE' && isLegalTransition(from, to)) ? [] : [`${from} → ${to}`];
    });
  }

  /** Ids of processes of its Chromium: the browser itself, or those that render pages. */
  async chromium(kind: 'browser' | 'renderer'): Promise<number[]> {
    const all = await processTree(this.process.pid);
    const commands = await Promise.all(
      all.map(async (pid) => ({ pid, command: await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '') })),
    );
    return commands
      .filter(({ command }) =>
        kind === 'renderer' ? command.includes('--type=renderer') : /--user-data-dir=(?!.*--type=)/s.test(command),
      )
      .map(({ pid }) => pid);
  }

  async close(): Promise<void> {
    await this.#control?.close();
    await this.process.stop();
  }

  get #api(): Control {
    if (this.#control === null) throw new Error('watch() comes first.');
    return this.#control;
  }

  #lastLines(): string {
    return `\n${this.lines
      .filter(({ msg }) => msg !== 'page stats')
      .slice(-15)
      .map((line) => JSON.stringify(line))
      .join('\n')}\n${this.texts.slice(-5).join('\n')}`;
  }
}

/** Resolves once `isSo`; it is asked again and again. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  timeoutMs: number,
  otherwise: () => string,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`${otherwise()} (within ${timeoutMs} ms)`);
    await new Promise((resolve) => {
      setTimeout(resolve, POLL_MS);
    });
  }
}
