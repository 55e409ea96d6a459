import { createServer, type IncomingMessage } from 'node:http';
import { isLoopbackHost, listen, stop } from './http.ts';

const withHost = (host: string | undefined) => ({ headers: { host } }) as IncomingMessage;

describe('isLoopbackHost', () => {
  it.each(['localhost', 'localhost:3000', 'LOCALHOST:3000', '127.0.0.1', '127.0.0.1:3000', '[::1]:3000'])(
    'takes %s',
    (host) => expect(isLoopbackHost(withHost(host))).toBe(true),
  );

  it.each([
    undefined,
    '',
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example:3000',
    '10.0.0.1:3000',
    'localhost:a',
  ])('does not take %s', (host) => expect(isLoopbackHost(withHost(host))).toBe(false));
});

describe('listen', () => {
  it('names the port that is taken and the setting to change', async () => {
    const [first, second] = [createServer(), createServer()];
    const port = await listen(first, { port: 0, host: '127.0.0.1', setting: 'PAGE_PORT' });
    await expect(listen(second, { port, host: '127.0.0.1', setting: 'PAGE_PORT' })).rejects.toMatchObject({
      name: 'StartError',
      message: `Port ${port} is taken; set PAGE_PORT to another, or to 0 for any free one.`,
    });
    await stop(first);
  });

  it('names the port that cannot be used', async () => {
    const listening = listen(createServer(), { port: 0, host: '192.0.2.1', setting: 'HEALTH_PORT' });
    await expect(listening).rejects.toThrow(
      'Port 0 cannot be used (EADDRNOTAVAIL); set HEALTH_PORT to another, or to 0 for any free one.',
    );
  });
});

describe('stop', () => {
  it('ends what is in the middle of an answer', async () => {
    const server = createServer((_, response) => response.write('begun'));
    const port = await listen(server, { port: 0, host: '127.0.0.1', setting: 'PAGE_PORT' });
    const { body } = await fetch(`http://127.0.0.1:${port}`);
    await stop(server);
    const reader = body?.getReader();
    const readAll = async () => {
      while (!(await reader?.read())?.done);
    };
    await expect(readAll()).rejects.toThrow('terminated');
  });
});
