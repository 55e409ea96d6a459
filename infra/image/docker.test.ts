import { findDocker, type Running } from './docker.ts';

/** As if only these commands answered. */
const only =
  (...working: string[]) =>
  async ({ command }: { command: string }) => {
    if (!working.includes(command)) throw new Error('there is no such command');
  };

describe('The docker command', () => {
  it('is docker where that answers', async () => {
    expect((await findDocker({}, only('docker', 'podman'))).command).toBe('docker');
  });

  it('is podman where docker does not answer', async () => {
    expect((await findDocker({}, only('podman'))).command).toBe('podman');
  });

  it('is what DOCKER names, with its arguments', async () => {
    const env = { DOCKER: ' sudo  docker ' };
    expect((await findDocker(env, only('sudo  docker', 'docker'))).command).toBe('sudo  docker');
  });

  it('is no other than DOCKER names, even where another answers', async () => {
    await expect(findDocker({ DOCKER: 'nerdctl' }, only('docker'))).rejects.toThrow(
      /Looked for:\n {2}DOCKER=nerdctl: there is no such command\nInstall/,
    );
  });

  it('is not to be had where none answers: the error names each and why', async () => {
    await expect(findDocker({}, only())).rejects.toThrow(
      /docker: there is no such command\n {2}podman: there is no such command/,
    );
  });

  it('is looked for by running it', async () => {
    await expect(findDocker({ DOCKER: 'no-such-docker-command' })).rejects.toThrow(
      'DOCKER=no-such-docker-command: no-such-docker-command version failed: there is no such command',
    );
  });
});

describe('A command of docker', () => {
  const node = (script: string) => ['-e', script];
  const docker = findDocker({ DOCKER: process.execPath }, async () => {});

  it('resolves with what it printed', async () => {
    expect(await (await docker).run(node('console.log(" sha256:1\\n")'))).toBe('sha256:1');
  });

  it('that fails is rejected with its last lines', async () => {
    await expect((await docker).run(node('console.error("no such image"); process.exit(3)'))).rejects.toThrow(
      '-e failed: no such image',
    );
  });

  it('that fails without a word is rejected with its exit code', async () => {
    await expect((await docker).run(node('process.exit(3)'))).rejects.toThrow('-e failed: exit code 3');
  });

  it('ends when it is aborted', async () => {
    const aborting = new AbortController();
    const running = (await docker).run(node('setInterval(() => {}, 1_000)'), aborting.signal);
    aborting.abort();
    await expect(running).rejects.toThrow('aborted');
  });

  it('that goes on hands over its lines until it is killed', async () => {
    const script = node('console.log("ready"); setInterval(() => {}, 1_000)');
    const { running, line } = await docker.then(
      (found) =>
        new Promise<{ running: Running; line: string }>((resolve) => {
          const running = found.start(script, (line) => resolve({ running, line }));
        }),
    );
    expect(line).toBe('ready');
    running.kill();
    expect(await running.exited).toBe(1);
  });
});
