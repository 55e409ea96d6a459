import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setImmediate } from 'node:timers/promises';
import { type Check, type Health, startHealth } from './health.ts';

const well: Check = () => null;
const metrics = { contentType: 'text/plain; version=1', text: async () => 'frames 1\n' };
const nothing = { port: 0, host: '127.0.0.1', live: {}, ready: {}, metrics };

describe('startHealth', () => {
  const started: Health[] = [];
  afterEach(async () => {
    for (const health of started.splice(0)) await health.close();
  });

  async function start(live: Record<string, Check>, ready: Record<string, Check>, checkTimeoutMs = 1_000) {
    return ask(await startHealth({ ...nothing, live, ready, checkTimeoutMs }));
  }

  function ask(health: Health) {
    started.push(health);
    return async (path: string, method = 'GET') => {
      const response = await fetch(`http://127.0.0.1:${health.port}${path}`, { method });
      const body = await response.text();
      const isJson = response.headers.get('content-type') === 'application/json' && body !== '';
      return { status: response.status, body: isJson ? JSON.parse(body) : body };
    };
  }

  it('answers 200 where every check is well, 503 where one is not, with the finding of each', async () => {
    const ask = await start({ page: well }, { page: async () => null, control: () => 'The API is out of reach.' });
    expect(await ask('/livez')).toEqual({ status: 200, body: { status: 'ok', checks: { page: { ok: true } } } });
    expect(await ask('/readyz?verbose')).toEqual({
      status: 503,
      body: {
        status: 'failing',
        checks: { page: { ok: true }, control: { ok: false, why: 'The API is out of reach.' } },
      },
    });
  });

  it('asks the checks anew each time', async () => {
    let why: string | null = 'not yet';
    const ask = await start({}, { page: () => why });
    expect((await ask('/readyz')).status).toBe(503);
    why = null;
    expect((await ask('/readyz')).status).toBe(200);
  });

  it('takes a check that fails, or does not answer in time, for one that is not well', async () => {
    let reason: unknown;
    const silent: Check = (signal) => {
      signal.addEventListener('abort', () => {
        reason = signal.reason;
      });
      return new Promise(() => {});
    };
    const throwing: Check = () => {
      throw new Error('broken');
    };
    const rejecting: Check = () => Promise.reject('odd');
    const ask = await start({ well, silent, throwing, rejecting }, {}, 20);
    expect((await ask('/livez')).body).toEqual({
      status: 'failing',
      checks: {
        well: { ok: true },
        silent: { ok: false, why: 'There was no answer within 20 ms.' },
        throwing: { ok: false, why: 'broken' },
        rejecting: { ok: false, why: 'The check failed.' },
      },
    });
    expect(reason).toMatchObject({ name: 'DeadlineError' });
  });

  it('runs the checks once for all who ask at the same time', async () => {
    let runs = 0;
    const page: Check = async () => {
      runs += 1;
      // Both requests came in one packet: the second has been read when this turn of the event loop is over.
      await setImmediate();
      return null;
    };
    const health = await startHealth({ ...nothing, live: { page } });
    started.push(health);
    const socket = connect(health.port, '127.0.0.1');
    socket.end('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2));
    const answers = (await text(socket)).match(/^HTTP\/1.1 200 /gm);
    expect(answers).toHaveLength(2);
    expect(runs).toBe(1);
  });

  it('tells no secret', async () => {
    const ask = await start({ control: () => 'refused ?token=opaque' }, {});
    expect((await ask('/livez')).body.checks.control.why).toBe('refused ?token=[redacted]');
  });

  it.each(['/', '/metrics/', '/livez/', '/LIVEZ', '//livez', '/__proto__', '/constructor'])(
    'answers 404 to %s',
    async (path) => {
      const ask = await start({}, {});
      expect(await ask(path)).toEqual({ status: 404, body: 'There is only /livez, /readyz and /metrics here.\n' });
    },
  );

  it('answers HEAD like GET without the body, and no other method', async () => {
    const ask = await start({ control: () => 'no' }, {});
    expect(await ask('/livez', 'HEAD')).toEqual({ status: 503, body: '' });
    expect(await ask('/livez', 'POST')).toEqual({ status: 405, body: 'Expected GET or HEAD.\n' });
  });

  it('gives the metrics to GET and HEAD, as of now and with their own type', async () => {
    const health = await startHealth(nothing);
    started.push(health);
    const asked = async (method: string) => {
      const response = await fetch(`http://127.0.0.1:${health.port}/metrics`, { method });
      const { status, headers } = response;
      return [status, headers.get('content-type'), headers.get('cache-control'), await response.text()];
    };
    expect(await asked('GET')).toEqual([200, 'text/plain; version=1', 'no-store', 'frames 1\n']);
    expect(await asked('HEAD')).toEqual([200, 'text/plain; version=1', 'no-store', '']);
    expect((await asked('POST'))[0]).toBe(405);
  });

  it('answers 500 where the metrics cannot be read', async () => {
    const text = () => Promise.reject(new Error('a secret'));
    const asked = ask(await startHealth({ ...nothing, metrics: { ...metrics, text } }));
    expect(await asked('/metrics')).toEqual({ status: 500, body: 'The metrics cannot be read.\n' });
  });

  it('names the port that is taken, and the setting', async () => {
    const health = await startHealth(nothing);
    started.push(health);
    const second = startHealth({ ...nothing, port: health.port });
    await expect(second).rejects.toMatchObject({
      name: 'StartError',
      message: `Port ${health.port} is taken; set HEALTH_PORT to another, or to 0 for any free one.`,
    });
  });

  it('closes at once while a check is still running', async () => {
    let aborted = false;
    let running = () => {};
    const begun = new Promise<void>((resolve) => {
      running = resolve;
    });
    const check: Check = (signal) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      running();
      return new Promise(() => {});
    };
    const health = await startHealth({ ...nothing, live: { check }, checkTimeoutMs: 60_000 });
    const asked = fetch(`http://127.0.0.1:${health.port}/livez`);
    await begun;
    const closed = health.close();
    await expect(asked).rejects.toThrow('fetch failed');
    await closed;
    expect(aborted).toBe(true);
  });
});
