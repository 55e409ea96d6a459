import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** From the command to its lines on the terminal, on a machine that is busy. Usual: 1.5 s. */
const START_TIMEOUT_MS = 20_000;

/** The development server, as a person starts it. */
export interface DevServer {
  /** `ws://127.0.0.1:1234` */
  readonly url: string;
  /** All that it printed. */
  output(): string;
  /** Resolves once it has printed `text`, from now on or before. */
  untilPrinted(text: string, timeoutMs?: number): Promise<void>;
  /** Its exit code, once it has ended. */
  readonly exited: Promise<number | null>;
  /** Ends it by a signal to all its processes, as Ctrl-C does, and resolves when it has ended. */
  stop(signal: 'SIGINT' | 'SIGKILL'): Promise<number | null>;
}

/** `npx` hides the exit code of what it runs when a signal ends both. */
const COMMANDS = {
  npx: ['npx', 'tsx'],
  node: [process.execPath, '--import', 'tsx'],
} as const;

/**
 * Runs `npx tsx server/websocket-server.ts` with these settings, on any free port unless they name one, and resolves
 * when it is ready.
 */
export async function startDevServer(
  settings: Readonly<Record<string, string>> = {},
  command: keyof typeof COMMANDS = 'npx',
): Promise<DevServer> {
  const run = runDevServer(settings, command);
  try {
    await run.untilPrinted('Ctrl-C ends it.', START_TIMEOUT_MS);
  } catch (error) {
    await run.stop('SIGKILL');
    throw error;
  }
  const [url = ''] = /ws:\/\/127\.0\.0\.1:\d+/.exec(run.output()) ?? [];
  return { ...run, url };
}

/** Runs it where it is to refuse to start. */
export function runDevServer(
  settings: Readonly<Record<string, string>>,
  command: keyof typeof COMMANDS = 'npx',
): Omit<DevServer, 'url'> {
  const [program, ...args] = COMMANDS[command];
  // A process group of its own, since Ctrl-C reaches npx, tsx and the server at once.
  const child = spawn(program, [...args, 'server/websocket-server.ts'], {
    cwd: ROOT,
    env: { ...process.env, WEBSOCKET_PORT: '0', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let printed = '';
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      printed += text;
      for (const check of [...listeners]) check();
    });
  }
  const exited = once(child, 'close').then(([code]) => code as number | null);

  return {
    output: () => printed,
    untilPrinted: (text, timeoutMs = 10_000) =>
      new Promise((resolve, reject) => {
        const end = (act: () => void) => {
          clearTimeout(timer);
          listeners.delete(check);
          act();
        };
        const check = () => printed.includes(text) && end(resolve);
        const timer = setTimeout(
          () => end(() => reject(new Error(`"${text}" was not printed in ${timeoutMs} ms; printed was: ${printed}`))),
          timeoutMs,
        );
        listeners.add(check);
        void exited.then(() => printed.includes(text) || end(() => reject(new Error(`It ended: ${printed}`))));
        check();
      }),
    exited,
    stop(signal) {
      killGroup(child, signal);
      return exited;
    },
  };
}

function killGroup({ pid, exitCode }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined || exitCode !== null) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A way to a server that can be cut. */
export interface Cable {
  readonly url: string;
  /** Breaks every connection, in both directions at once. */
  cut(): void;
  close(): void;
}

/** Leads to the server at `url`. */
export async function startCable(url: string): Promise<Cable> {
  const port = Number(new URL(url).port);
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const cut = () => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    url: `ws://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`,
    cut,
    close() {
      server.close();
      cut();
    },
  };
}
