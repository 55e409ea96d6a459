import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export interface VirtualParticipantOptions {
  /** The built server. */
  program: string;
  environment: Readonly<Record<string, string>>;
  /** Takes each line that it logged, parsed. */
  onLog: (line: LogLine) => void;
  /** Takes what it printed that is no log line. */
  onText: (text: string) => void;
}

/** One line of the server's log. */
export type LogLine = { msg?: string; level?: string } & Record<string, unknown>;

/** The server, as a process of its own. */
export interface VirtualParticipant {
  readonly pid: number;
  /** Resolves with its exit code when it has ended, however it came to it. */
  readonly exited: Promise<number | null>;
  /** Asks it to leave and end, as ECS does; resolves with its exit code. */
  stop(): Promise<number | null>;
}

/** After SIGTERM; the server's own deadline is 25 s. */
const STOP_TIMEOUT_MS = 30_000;

/** Starts the server with nothing of this process's environment but what it needs. */
export function startVirtualParticipant(options: VirtualParticipantOptions): VirtualParticipant {
  const { PATH, HOME, TMPDIR, PUPPETEER_EXECUTABLE_PATH } = process.env;
  const given = Object.entries({ PATH, HOME, TMPDIR, PUPPETEER_EXECUTABLE_PATH }).filter(([, value]) => value);
  const child = spawn(process.execPath, [options.program], {
    env: { ...Object.fromEntries(given), ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C goes to every process of the terminal's group: this one is stopped by us, in order.
    detached: true,
  });
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.startsWith('{')) options.onLog(JSON.parse(line));
    else options.onText(line);
  });
  createInterface({ input: child.stderr }).on('line', options.onText);
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  process.once('exit', () => child.kill('SIGKILL'));

  return {
    pid: child.pid ?? 0,
    exited,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      const code = await exited;
      clearTimeout(timer);
      return code;
    },
  };
}
