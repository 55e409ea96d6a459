import type { PageMessage } from '../../machines/protocol.ts';
import { Admission } from './admission.ts';

interface Client {
  name: string;
}

const ready = (pageId?: string): PageMessage => ({ type: 'vp.ready', ...(pageId !== undefined && { pageId }) });
const subscribe = (pageId?: string): PageMessage => ({
  type: 'vp.subscribe_vp',
  ...(pageId !== undefined && { pageId }),
});

function stand() {
  const admission = new Admission<Client>();
  const [one, two, three] = ['one', 'two', 'three'].map((name) => ({ name })) as [Client, Client, Client];
  const page = () => [...admission.clients].map(({ name }) => name);
  return { admission, one, two, three, page };
}

describe('the place of the page', () => {
  it.each([
    ['says that it is loaded', ready()],
    ['names its page load', subscribe('a')],
    ['says anything while nobody holds the place', subscribe()],
  ])('is taken by a client that %s', (_what, message) => {
    const { admission, one, page } = stand();
    expect([admission.senderOf(one, message, false), page()]).toEqual(['new page', ['one']]);
  });

  it('is taken over by a page that was loaded later', () => {
    const { admission, one, two, three, page } = stand();
    expect([
      admission.senderOf(one, ready('a'), true),
      admission.senderOf(two, ready('b'), true),
      page(),
      admission.senderOf(three, ready(), true),
      page(),
    ]).toEqual(['new page', 'new page', ['two'], 'new page', ['three']]);
  });

  it('is not taken by a client that only subscribes while somebody holds it', () => {
    const { admission, one, two, page } = stand();
    admission.senderOf(one, ready(), true);
    expect([admission.senderOf(two, subscribe(), true), page()]).toEqual(['watcher', ['one']]);
  });

  it('is not taken by a client that only subscribes while it is kept for a page that has a name', () => {
    const { admission, one, two, page } = stand();
    admission.senderOf(one, ready('a'), true);
    admission.leave(one);
    expect([admission.senderOf(two, subscribe(), true), page()]).toEqual(['watcher', []]);
  });

  it('is free for any client once it was given up', () => {
    const { admission, one, two, page } = stand();
    admission.senderOf(one, ready('a'), true);
    admission.leave(one);
    admission.free();
    expect([admission.senderOf(two, subscribe(), true), page()]).toEqual(['new page', ['two']]);
  });
});

describe('a page that connects anew', () => {
  it('is known by its name, before its old connection is gone and after', () => {
    const { admission, one, two, three, page } = stand();
    admission.senderOf(one, ready('a'), false);
    expect(admission.senderOf(two, subscribe('a'), false)).toBe('page again');
    expect([page(), admission.leave(one), admission.leave(two), page()]).toEqual([['one', 'two'], false, true, []]);
    expect([admission.senderOf(three, subscribe('a'), false), page()]).toEqual(['page again', ['three']]);
  });

  it('without a name goes on with its invite, and without an invite counts as loaded anew', () => {
    const senders = [true, false].map((goesOn) => {
      const { admission, one, two } = stand();
      admission.senderOf(one, subscribe(), false);
      admission.leave(one);
      return admission.senderOf(two, subscribe(), goesOn);
    });
    expect(senders).toEqual(['page again', 'new page']);
  });

  it('without a name counts as loaded anew when it says so', () => {
    const { admission, one, two } = stand();
    admission.senderOf(one, ready(), true);
    admission.leave(one);
    expect(admission.senderOf(two, ready(), true)).toBe('new page');
  });
});

describe('a page that was replaced', () => {
  it('stays so by whatever connection, while it held the place and while the place was kept for it', () => {
    const { admission, one, two, three, page } = stand();
    admission.senderOf(one, ready('a'), true);
    admission.leave(one);
    admission.senderOf(two, ready('b'), true);
    expect([admission.senderOf(three, subscribe('a'), true), page()]).toEqual(['replaced page', ['two']]);
  });

  it('is remembered among a hundred', () => {
    const { admission, one } = stand();
    for (let load = 0; load <= 101; load += 1) admission.senderOf({ name: '' }, ready(`${load}`), true);
    expect([
      admission.senderOf(one, subscribe('1'), true),
      admission.senderOf(one, subscribe('100'), true),
      admission.senderOf(one, subscribe('0'), true),
    ]).toEqual(['replaced page', 'replaced page', 'new page']);
  });
});

describe('a connection of the page', () => {
  it('is bound to the first name it gives', () => {
    const { admission, one } = stand();
    expect([
      admission.senderOf(one, ready(), true),
      admission.senderOf(one, subscribe('a'), true),
      admission.senderOf(one, subscribe('b'), true),
      admission.senderOf(one, subscribe(), true),
    ]).toEqual(['new page', 'page', 'other page', 'page']);
  });

  it('was not the last one if it was a watcher’s', () => {
    const { admission, one, two } = stand();
    admission.senderOf(one, ready(), true);
    expect([admission.leave(two), admission.leave(one), admission.leave(one)]).toEqual([false, true, false]);
  });
});
