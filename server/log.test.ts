import { createLog, type LogOptions } from './log.ts';

const JWT = ['eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9', 'eyJleHAiOjE3MDAwMDAwMDB9', 'c2lnbmF0dXJl'].join('.');

function startLog(options: LogOptions = {}, settings: object = {}) {
  const lines: string[] = [];
  const destination = { write: (line: string) => lines.push(line) };
  const log = createLog({ vpId: 'vp-1', logLevel: 'debug', ...settings }, { destination, ...options });
  return { log, lines, last: () => JSON.parse(lines.at(-1) ?? '') };
}

describe('createLog', () => {
  it('writes a line of JSON with level, time, virtual participant, fields and message', () => {
    const { log, lines, last } = startLog();
    log.info({ port: 3_000 }, 'Page on %s', 'http://127.0.0.1');
    expect(last()).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      vp: 'vp-1',
      port: 3_000,
      msg: 'Page on http://127.0.0.1',
    });
    expect(lines[0]?.endsWith('}\n')).toBe(true);
  });

  it('has the epoch of the moment on each line, save where the line says another', () => {
    let epoch = 1;
    const { log, last } = startLog({ epoch: () => epoch });
    log.child({ part: 'page' }).info('joined');
    expect(last()).toMatchObject({ vp: 'vp-1', epoch: 1, part: 'page', msg: 'joined' });
    epoch = 2;
    log.info('joined');
    expect(last()).toMatchObject({ epoch: 2 });
    log.info({ epoch: 1 }, 'late');
    expect(last()).toMatchObject({ epoch: 1 });
  });

  it('lets a child logger name another virtual participant and epoch', () => {
    const { log, last } = startLog();
    log.child({ vp: 'vp-2', epoch: 7 }).info('joined');
    expect(last()).toMatchObject({ vp: 'vp-2', epoch: 7, msg: 'joined' });
  });

  it('leaves out what is below its level', () => {
    const { log, lines } = startLog({}, { logLevel: 'warn' });
    log.info('no');
    log.warn('yes');
    expect(lines.map((line) => JSON.parse(line).msg)).toEqual(['yes']);
  });

  it('writes an error with its type, stack and causes, and its message where no other is given', () => {
    const { log, last } = startLog();
    const error = new TypeError('refused', { cause: new Error('closed') });
    log.error(error);
    expect(last()).toMatchObject({
      level: 'error',
      err: {
        type: 'TypeError',
        message: 'refused: closed',
        stack: expect.stringMatching(/^TypeError: refused\n.*\ncaused by: Error: closed\n/s),
      },
      msg: 'refused',
    });
    log.error({ err: error, step: 'join' }, 'Could not join');
    expect(last()).toMatchObject({ err: { message: 'refused: closed' }, step: 'join', msg: 'Could not join' });
  });

  it('takes no word apart for a token of one letter', () => {
    const { log, last } = startLog({}, { participantToken: 'T' });
    log.info('To be');
    expect(last()).toMatchObject({ msg: 'To be' });
  });

  it('lets no secret out, wherever in a line it stands', () => {
    const settings = { graphqlApiKey: 'plain-"key', participantToken: 'plain-token' };
    const { log, lines } = startLog({}, settings);
    const error = new Error(`a ${JWT}`, {
      cause: Object.assign(new Error(JWT), { headers: { authorization: 'hidden' } }),
    });
    log.info(JWT);
    log.info('a %s %j', JWT, { token: 'hidden' });
    log.info({ deep: { list: [{ participantToken: 'hidden' }, JWT] } }, `b ${JWT}`);
    log.info({ token: 'hidden', 'x-api-key': 'hidden' });
    log.error(error, 'c');
    log.error({ err: error });
    log.child({ address: `http://a/?token=${JWT}`, privateKey: 'hidden' }).info('d');
    log.info('plain-"key and plain-token');
    log.info({ text: 'plain-"key' });

    const all = lines.join('');
    const secrets = ['hidden', 'plain-', 'plain-token', ...JWT.split('.')];
    expect(secrets.filter((secret) => all.includes(secret))).toEqual([]);
    expect(lines.map((line) => JSON.parse(line).vp)).toEqual(lines.map(() => 'vp-1'));
  });
});
