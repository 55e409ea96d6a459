import { checkHandshake, type HandshakeRules } from './handshake.ts';

const ORIGIN = 'http://localhost:3000';
const HEADERS = { host: '127.0.0.1:3001', origin: ORIGIN };
const RULES: HandshakeRules = { origins: [ORIGIN, 'http://127.0.0.1:3000'] };
const PAGE = { refusal: null, mayBePage: true };
const WATCHER = { refusal: null, mayBePage: false };

describe('a client is let in or refused by its Host', () => {
  it.each([
    ['127.0.0.1:3001', PAGE],
    ['127.255.0.1', PAGE],
    ['localhost:3001', PAGE],
    ['LOCALHOST', PAGE],
    ['[::1]:3001', PAGE],
    ['evil.example:3001', { refusal: 'HOST' }],
    ['127.0.0.1.evil.example', { refusal: 'HOST' }],
    ['localhost.evil.example', { refusal: 'HOST' }],
    ['192.168.0.1:3001', { refusal: 'HOST' }],
    ['', { refusal: 'HOST' }],
    [undefined, { refusal: 'HOST' }],
  ])('%s', (host, expected) => {
    expect(checkHandshake({ origin: ORIGIN, ...(host !== undefined && { host }) }, RULES)).toEqual(expected);
  });
});

describe('a client is let in or refused by its Origin', () => {
  it.each([
    [ORIGIN, PAGE],
    ['http://127.0.0.1:3000', PAGE],
    ['http://localhost:3000/', { refusal: 'ORIGIN' }],
    ['http://localhost:3001', { refusal: 'ORIGIN' }],
    ['https://localhost:3000', { refusal: 'ORIGIN' }],
    ['https://evil.example', { refusal: 'ORIGIN' }],
    ['null', { refusal: 'ORIGIN' }],
    ['', { refusal: 'ORIGIN' }],
  ])('%s', (origin, expected) => {
    expect(checkHandshake({ ...HEADERS, origin }, RULES)).toEqual(expected);
  });

  it('without one only where programs are let in, and then a wrong one is still refused', () => {
    const { host } = HEADERS;
    const open = { ...RULES, allowNoOrigin: true };
    expect([
      checkHandshake({ host }, RULES),
      checkHandshake({ host }, open),
      checkHandshake({ host, origin: 'https://evil.example' }, open),
    ]).toEqual([{ refusal: 'ORIGIN' }, PAGE, { refusal: 'ORIGIN' }]);
  });
});

describe('with a secret, a client', () => {
  it.each([
    ['that offers it may be the page', 'c2VjcmV0', PAGE],
    ['that offers it among others may be the page', 'vp, c2VjcmV0', PAGE],
    ['that offers nothing is a watcher', undefined, WATCHER],
    ['that offers another is refused', 'c2VjcmV1', { refusal: 'SECRET' }],
    ['that offers the beginning of it is refused', 'c2VjcmV', { refusal: 'SECRET' }],
    ['that offers nothing at all is refused', '', { refusal: 'SECRET' }],
  ])('%s', (_what, offered, expected) => {
    const headers = { ...HEADERS, ...(offered !== undefined && { 'sec-websocket-protocol': offered }) };
    expect(checkHandshake(headers, { ...RULES, secret: 'c2VjcmV0' })).toEqual(expected);
  });

  it('of another origin is refused even if it knows it', () => {
    const headers = { ...HEADERS, origin: 'https://evil.example', 'sec-websocket-protocol': 'c2VjcmV0' };
    expect(checkHandshake(headers, { ...RULES, secret: 'c2VjcmV0' })).toEqual({ refusal: 'ORIGIN' });
  });
});
