import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { InviteFigures } from '../local/demo/measure.ts';
import { type Docker, DockerError } from './docker.ts';
import { type News, parseNews } from './news.ts';

/** The options of `docker run` that the README gives for production; the two capabilities lead to Chromium's own user. */
export const PRODUCTION_FLAGS = ['--read-only', '--cap-drop', 'ALL', '--cap-add', 'SETUID', '--cap-add', 'SETGID'];

/** The grace that the README and the ECS service give: seconds. */
const STOP_TIMEOUT_SECONDS = 30;
const DEADLINES_MS = {
  ready: 60_000,
  available: 90_000,
  published: 60_000,
  watched: 60_000,
  stopped: 40_000,
  ended: 10_000,
};

export interface DriveOptions {
  docker: Docker;
  /** The image of production, as it is. */
  image: string;
  /** The image of the build target `verify`. */
  services: string;
  /** Options of `docker run` for the image. */
  flags: readonly string[];
  /** How long it rests between AVAILABLE and the invite, in milliseconds. Default: 0. */
  idleMs?: number;
  /** How long its pictures are counted, in milliseconds. Default: 5,000. */
  watchMs?: number;
  /** Takes a sentence for each step that was made. */
  say: (sentence: string) => void;
  /** Called when the image's container runs, with its name. What it returns is called before the container is stopped. */
  onStarted?: (container: string) => () => void;
  /** Ends it early; the containers are removed all the same. */
  signal?: AbortSignal;
}

/** Times are milliseconds, by the clock of the process that drives. */
export interface ImageFigures extends InviteFigures {
  /** From `docker run` typed to AVAILABLE heard: with what the engine needs to start a container. */
  availableMs: number;
  /** From `docker stop` typed to the stage without it, as the viewer was told. */
  stopToLeftMs: number;
  /** From `docker stop` typed until the container has ended. */
  stopToEndMs: number;
  exitCode: number;
  /** What keeps Chromium apart from the server, as the server tells in its log. */
  apart: { sandbox: boolean; secondUser: boolean };
  /** When AVAILABLE was heard, the rest was over, and the watching was: `performance.now()`. */
  marks: { available: number; inviting: number; watched: number };
}

/**
 * Runs the image as it is in the network of a second container with the local services and a viewer: from its start to AVAILABLE, one
 * invite to a viewer's decoded pictures, `docker stop` while it is published. No container is left behind.
 *
 * @throws {DockerError} when a step failed or did not happen in time; with the last lines of the log.
 */
export async function driveImage(options: DriveOptions): Promise<ImageFigures> {
  const { docker, image, services, flags, idleMs = 0, watchMs = 5_000, say, signal } = options;
  const id = randomBytes(4).toString('hex');
  const names = { services: `vp-verify-${id}-services`, participant: `vp-verify-${id}` };
  const heard = new Heard();
  const times = ['--idle-ms', `${idleMs}`, '--watch-ms', `${watchMs}`];
  const command = ['node', '--import', 'tsx', 'infra/image/services.ts', ...times];
  const beside = docker.start(['run', '--interactive', '--name', names.services, services, ...command], (line) =>
    heard.take(line),
  );
  beside.exited.then((code) => heard.end(`The services beside the image ended (${code}): ${beside.lastLines()}`));
  const abort = () => heard.end('Interrupted.');
  signal?.addEventListener('abort', abort);
  let isStarted = false;
  let isStopping = false;
  try {
    signal?.throwIfAborted();
    const { settings } = await heard.until('ready', 'the services beside the image', DEADLINES_MS.ready);
    const environment = Object.entries(settings).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
    const network = ['--network', `container:${names.services}`, '--stop-timeout', `${STOP_TIMEOUT_SECONDS}`];
    isStarted = true;
    const startedAt = performance.now();
    await docker.run(['run', '--detach', '--name', names.participant, ...network, ...flags, ...environment, image]);
    const exited = docker.run(['wait', names.participant]).then(Number);
    exited.then(
      (code) => isStopping || heard.end(`The container ended with exit code ${code}.`),
      (error: Error) => heard.end(error.message),
    );
    const onStopping = options.onStarted?.(names.participant);

    await heard.untilStatus('AVAILABLE', DEADLINES_MS.available);
    const available = performance.now();
    const availableMs = Math.round(available - startedAt);
    say(`AVAILABLE ${availableMs} ms after docker run.`);
    await heard.until('inviting', 'the end of the rest', idleMs + DEADLINES_MS.watched);
    const inviting = performance.now();
    await heard.untilStatus('PUBLISHED', DEADLINES_MS.published);
    say(`PUBLISHED. The viewer's pictures are counted for ${watchMs / 1_000} s …`);
    const { figures } = await heard.until('watched', 'the decoded pictures', watchMs + DEADLINES_MS.watched);
    const watched = performance.now();

    const apart = await apartOf(docker, names.participant);
    onStopping?.();
    isStopping = true;
    say('SIGTERM while it is published …');
    const stoppedAt = performance.now();
    const stopping = docker.run(['stop', names.participant]);
    const [stopToLeftMs, stopToEndMs, exitCode] = await Promise.all([
      heard.until('left', 'its leaving', DEADLINES_MS.stopped).then(() => Math.round(performance.now() - stoppedAt)),
      stopping.then(() => Math.round(performance.now() - stoppedAt)),
      exited,
      heard.untilStatus('STOPPED', DEADLINES_MS.stopped),
    ]);
    return {
      availableMs,
      ...figures,
      stopToLeftMs,
      stopToEndMs,
      exitCode,
      apart,
      marks: { available, inviting, watched },
    };
  } catch (error) {
    const log = isStarted && !signal?.aborted ? await lastLinesOf(docker, names.participant) : '';
    throw new DockerError(`${error instanceof Error ? error.message : error}${log}`, { cause: error });
  } finally {
    signal?.removeEventListener('abort', abort);
    // It ends with its input; before it has, its container may not be there yet to be removed.
    beside.stdin.end();
    await Promise.race([beside.exited, delay(DEADLINES_MS.ended, undefined, { ref: false })]);
    beside.kill();
    await docker.run(['rm', '--force', '--volumes', names.participant]).catch(() => {});
    await docker.run(['rm', '--force', '--volumes', names.services]).catch(() => {});
  }
}

async function apartOf(docker: Docker, container: string): Promise<ImageFigures['apart']> {
  const lines = (await docker.run(['logs', container])).split('\n').filter((line) => line.startsWith('{'));
  for (const line of lines) {
    const { sandbox, secondUser } = JSON.parse(line) as Partial<ImageFigures['apart']>;
    if (sandbox !== undefined && secondUser !== undefined) return { sandbox, secondUser };
  }
  throw new DockerError('The log does not say what keeps Chromium apart from the server.');
}

async function lastLinesOf(docker: Docker, container: string): Promise<string> {
  const lines: string[] = [];
  const logs = docker.start(['logs', '--tail', '15', container], (line) => lines.push(line));
  await logs.exited;
  const log = [...lines, logs.lastLines()].filter((line) => line !== '').join('\n');
  return log === '' ? '' : `\nThe last lines of its log:\n${log}`;
}

/** What the services have told so far, and who waits for more. */
class Heard {
  readonly #news: News[] = [];
  readonly #listeners = new Set<() => void>();
  #ended: string | null = null;

  take(line: string): void {
    const news = parseNews(line);
    this.#news.push(news);
    if (news.type === 'failed') this.end(news.message);
    this.#wake();
  }

  /** Nothing more will come; the first reason counts. */
  end(reason: string): void {
    this.#ended ??= reason;
    this.#wake();
  }

  until<T extends News['type']>(type: T, what: string, timeoutMs: number): Promise<Extract<News, { type: T }>> {
    return this.#until((news): news is Extract<News, { type: T }> => news.type === type, what, timeoutMs);
  }

  async untilStatus(status: string, timeoutMs: number): Promise<void> {
    await this.#until((news): news is News => news.type === 'status' && news.status === status, status, timeoutMs);
  }

  #until<T extends News>(matches: (news: News) => news is T, what: string, timeoutMs: number): Promise<T> {
    return new Promise((resolve, reject) => {
      const finish = () => {
        clearTimeout(timer);
        this.#listeners.delete(check);
      };
      const check = () => {
        const found = this.#news.find(matches);
        if (found === undefined && this.#ended === null) return;
        finish();
        if (found !== undefined) resolve(found);
        else reject(new DockerError(`Waited for ${what}. ${this.#ended}`));
      };
      const timer = setTimeout(() => {
        finish();
        reject(new DockerError(`Waited for ${what}, ${timeoutMs} ms at most. ${this.#lastStatus()}`));
      }, timeoutMs);
      this.#listeners.add(check);
      check();
    });
  }

  #lastStatus(): string {
    const last = this.#news.findLast((news) => news.type === 'status');
    return last === undefined ? 'No status was seen.' : `The status is ${last.status}.`;
  }

  #wake(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
