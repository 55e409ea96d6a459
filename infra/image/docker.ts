import { type SpawnOptions, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** How long one look for a command may take; a daemon that starts answers within seconds. */
const LOOK_TIMEOUT_MS = 20_000;
const LAST_LINES = 15;

/** Its message is for the person at the terminal, who needs no stack. */
export class DockerError extends Error {
  override name = 'DockerError';
}

/** A command that goes on. */
export interface Running {
  readonly stdin: Writable;
  /** Resolves with its exit code. */
  readonly exited: Promise<number>;
  /** The last lines of its standard error. */
  lastLines(): string;
  kill(): void;
}

/** The docker command of this machine, or what does the same. */
export interface Docker {
  /** As a person would type it. */
  readonly command: string;
  /** @returns what it printed, without white space at the ends. @throws {DockerError} with its last lines when it fails. */
  run(args: readonly string[], signal?: AbortSignal): Promise<string>;
  /** As {@link run}, with all that it prints shown on standard error. */
  show(args: readonly string[], signal?: AbortSignal): Promise<void>;
  /** Starts one that prints lines. */
  start(args: readonly string[], onLine: (line: string) => void): Running;
}

/**
 * Finds the command: `DOCKER`, which may hold arguments, or else `docker`, or else `podman`. One is taken when it answers `version`,
 * for which docker must reach its engine.
 *
 * @throws {DockerError} that names what was looked for and why it was not taken.
 */
export async function findDocker(
  env: NodeJS.ProcessEnv = process.env,
  look: (docker: Docker) => Promise<unknown> = (docker) =>
    docker.run(['version'], AbortSignal.timeout(LOOK_TIMEOUT_MS)),
): Promise<Docker> {
  const named = env['DOCKER']?.trim();
  const failures: string[] = [];
  for (const command of named ? [named] : ['docker', 'podman']) {
    const docker = dockerOf(command);
    const failure = await look(docker).then(
      () => null,
      (error: Error) => error.message,
    );
    if (failure === null) return docker;
    failures.push(`  ${named ? 'DOCKER=' : ''}${command}: ${failure.trim()}`);
  }
  throw new DockerError(
    `There is no docker command here that works. Looked for:\n${failures.join('\n')}\n` +
      'Install Docker or podman and start it, or set DOCKER to the command that does the same.',
  );
}

function dockerOf(command: string): Docker {
  const [program = '', ...first] = command.split(/\s+/);
  const begin = (args: readonly string[], stdio: SpawnOptions['stdio']) => {
    // A group of its own: Ctrl-C reaches us alone, who end what runs in their order.
    const child = spawn(program, [...first, ...args], { stdio, detached: process.platform !== 'win32' });
    const lines: string[] = [];
    const note = (line: string) => {
      if (line.trim() !== '' && lines.push(line) > LAST_LINES) lines.shift();
    };
    if (child.stderr) createInterface({ input: child.stderr }).on('line', note);
    const kill = () => {
      if (child.exitCode !== null || child.pid === undefined) return;
      if (process.platform === 'win32') child.kill();
      else process.kill(-child.pid, 'SIGTERM');
    };
    const exited = new Promise<number>((resolve) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        note(error.code === 'ENOENT' ? 'there is no such command' : error.message);
        resolve(127);
      });
      child.once('close', (code) => resolve(code ?? 1));
    });
    return { child, exited, kill, lastLines: () => lines.join('\n') };
  };
  const finish = async (args: readonly string[], stdio: SpawnOptions['stdio'], signal?: AbortSignal) => {
    signal?.throwIfAborted();
    const { child, exited, kill, lastLines } = begin(args, stdio);
    let printed = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
    });
    signal?.addEventListener('abort', kill);
    const code = await exited;
    signal?.removeEventListener('abort', kill);
    signal?.throwIfAborted();
    if (code !== 0) {
      const reason = lastLines() === '' ? `exit code ${code}` : lastLines();
      throw new DockerError(`${command} ${args[0]} failed: ${reason}`);
    }
    return printed.trim();
  };
  return {
    command,
    run: (args, signal) => finish(args, ['ignore', 'pipe', 'pipe'], signal),
    async show(args, signal) {
      await finish(args, ['ignore', process.stderr, process.stderr], signal);
    },
    start(args, onLine) {
      const { child, exited, kill, lastLines } = begin(args, ['pipe', 'pipe', 'pipe']);
      createInterface({ input: child.stdout as Readable }).on('line', onLine);
      const stdin = child.stdin as Writable;
      // It may have ended before what is written arrives.
      stdin.on('error', () => {});
      return { stdin, exited, kill, lastLines };
    },
  };
}
