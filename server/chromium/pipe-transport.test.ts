import { PassThrough } from 'node:stream';
import { pipeTransport } from './pipe-transport.ts';

function transportWithPipes() {
  const write = new PassThrough();
  const read = new PassThrough();
  return { write, read, transport: pipeTransport(write, read) };
}

describe('pipeTransport', () => {
  it('ends each message it sends by a zero byte', () => {
    const { write, transport } = transportWithPipes();
    transport.send('{"id":1}');
    transport.send('{"id":2}');
    expect(String(write.read())).toEqual('{"id":1}\0{"id":2}\0');
  });

  it('puts messages together that arrive in pieces, cut inside a character and with several in one piece', async () => {
    const { read, transport } = transportWithPipes();
    const messages: string[] = [];
    const all = new Promise<void>((resolve) => {
      transport.onmessage = (message) => {
        if (messages.push(message) === 3) resolve();
      };
    });
    const bytes = Buffer.from('"é"\0"two"\0"three"\0');
    read.write(bytes.subarray(0, 2));
    read.write(bytes.subarray(2, 9));
    read.write(bytes.subarray(9));
    await all;
    expect(messages).toEqual(['"é"', '"two"', '"three"']);
  });

  it('reports the end of the pipe', async () => {
    const { read, transport } = transportWithPipes();
    const closed = new Promise<string>((resolve) => {
      transport.onclose = () => resolve('closed');
    });
    read.destroy();
    expect(await closed).toEqual('closed');
  });

  it('survives a broken pipe', async () => {
    const { write, transport } = transportWithPipes();
    write.destroy(new Error('EPIPE'));
    await new Promise((resolve) => write.once('close', resolve));
    expect(transport.send('{"id":1}')).toEqual(undefined);
  });
});
