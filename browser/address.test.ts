import { forgetToken, readAddress, rememberToken } from './address.ts';
import { FakeTab } from './testing/fake-tab.ts';

const TOKEN = 'eyJhbGciOiJFUzM4NCJ9.eyJyZXNvdXJjZSI6ImFybiJ9.c2lnbmF0dXJl';
const COUNTER = { name: 'counter.mp4', url: '/assets/counter.mp4', loop: true };

const read = (tab: FakeTab) => readAddress(tab.location, tab.history, tab.sessionStorage);
const assetOf = (search: string) => read(new FakeTab(`http://localhost:3000/${search}`)).asset;

describe('the token of the address', () => {
  it('is read, and taken out of the address bar and the history', () => {
    const tab = new FakeTab(`http://localhost:3000/?token=${TOKEN}&asset=my.mp4&loop=false#top`);
    const address = read(tab);
    expect([address, tab.entries]).toEqual([
      { participantToken: TOKEN, asset: { name: 'my.mp4', url: '/assets/my.mp4', loop: false } },
      ['http://localhost:3000/?asset=my.mp4&loop=false#top'],
    ]);
  });

  it('leaves no trace in the history when it was given twice', () => {
    const tab = new FakeTab(`http://localhost:3000/?token=${TOKEN}&token=other`);
    expect([read(tab).participantToken, tab.entries]).toEqual([TOKEN, ['http://localhost:3000/']]);
  });

  it('keeps the state of the history entry', () => {
    const tab = new FakeTab(`http://localhost:3000/?token=${TOKEN}`);
    tab.history.state = { scroll: 12 };
    read(tab);
    expect(tab.history.state).toEqual({ scroll: 12 });
  });

  it('is read without the blanks that copying adds', () => {
    expect(read(new FakeTab(`http://localhost:3000/?token=%20${TOKEN}%0A`)).participantToken).toBe(TOKEN);
  });

  it('is kept for the tab, so that a reload joins again', () => {
    const tab = new FakeTab(`http://localhost:3000/?token=${TOKEN}`);
    read(tab);
    const reloaded = read(tab);
    expect([reloaded, tab.entries]).toEqual([{ participantToken: TOKEN, asset: COUNTER }, ['http://localhost:3000/']]);
  });

  it('takes the place of the one that was kept', () => {
    const tab = new FakeTab(`http://localhost:3000/?token=${TOKEN}`);
    read(tab);
    tab.go('http://localhost:3000/?token=newer');
    expect([read(tab).participantToken, read(tab).participantToken]).toEqual(['newer', 'newer']);
  });

  it.each(['http://localhost:3000/', 'http://localhost:3000/?token=', 'http://localhost:3000/?token=%20'])(
    'is null when %s has none and none was kept',
    (url) => {
      const tab = new FakeTab(url);
      expect([read(tab), tab.entries]).toEqual([{ participantToken: null, asset: COUNTER }, [url]]);
    },
  );

  it('is the one that was pasted, which no address ever had', () => {
    const tab = new FakeTab('http://localhost:3000/?asset=my.mp4&loop=false');
    rememberToken(tab.sessionStorage, TOKEN);
    expect([read(tab), tab.entries]).toEqual([
      { participantToken: TOKEN, asset: { name: 'my.mp4', url: '/assets/my.mp4', loop: false } },
      ['http://localhost:3000/?asset=my.mp4&loop=false'],
    ]);
  });

  it('takes the place of a pasted one', () => {
    const tab = new FakeTab(`http://localhost:3000/?token=${TOKEN}`);
    rememberToken(tab.sessionStorage, 'pasted');
    expect([read(tab).participantToken, read(tab).participantToken]).toEqual([TOKEN, TOKEN]);
  });

  it('is null again once it was forgotten', () => {
    const tab = new FakeTab(`http://localhost:3000/?token=${TOKEN}`);
    read(tab);
    forgetToken(tab.sessionStorage);
    expect([read(tab).participantToken, tab.sessionStorage.length]).toEqual([null, 0]);
  });
});

describe('the asset of the address', () => {
  it.each([
    ['', COUNTER],
    ['?asset=', COUNTER],
    ['?asset=my.mp4', { name: 'my.mp4', url: '/assets/my.mp4', loop: true }],
    ['?asset=my%20film.mp4', { name: 'my film.mp4', url: '/assets/my%20film.mp4', loop: true }],
    ['?asset=my+film.mp4', { name: 'my film.mp4', url: '/assets/my%20film.mp4', loop: true }],
    ['?asset=a/b.mp4', { name: 'a/b.mp4', url: '/assets/a%2Fb.mp4', loop: true }],
    ['?asset=../secret', { name: '../secret', url: '/assets/..%2Fsecret', loop: true }],
    ['?asset=a%3Fb%23c%25.mp4', { name: 'a?b#c%.mp4', url: '/assets/a%3Fb%23c%25.mp4', loop: true }],
    [
      '?asset=größe-映画.mp4',
      { name: 'größe-映画.mp4', url: '/assets/gr%C3%B6%C3%9Fe-%E6%98%A0%E7%94%BB.mp4', loop: true },
    ],
    ['?asset=%F0%9F%8E%AC.mp4', { name: '🎬.mp4', url: '/assets/%F0%9F%8E%AC.mp4', loop: true }],
    ['?asset=pattern', { name: 'pattern', url: 'pattern:', loop: true }],
    ['?asset=pattern&loop=false', { name: 'pattern', url: 'pattern:', loop: true }],
    [
      '?asset=https://example.com/a.mp4',
      { name: 'https://example.com/a.mp4', url: '/assets/https%3A%2F%2Fexample.com%2Fa.mp4', loop: true },
    ],
  ])('of %j is one of the folder of assets, or the pattern', (search, asset) => {
    expect(assetOf(search)).toEqual(asset);
  });

  it.each([
    ['?loop=false', false],
    ['?loop=true', true],
    ['?loop=', true],
    ['?loop=no', true],
  ])('with %j loops unless that says false', (search, loop) => {
    expect(assetOf(search)).toEqual({ ...COUNTER, loop });
  });
});
