import { paginate } from './paging.ts';

const idOf = (item: string) => item;

describe('a page', () => {
  test('holds at most as many as asked for, and a token for the rest', () => {
    const first = paginate(['a', 'b', 'c'], idOf, { maxResults: 2 });
    expect(first).toEqual({ page: ['a', 'b'], nextToken: expect.stringMatching(/^[a-zA-Z0-9+/=_-]+$/) });
    expect(paginate(['a', 'b', 'c'], idOf, { maxResults: 2, nextToken: first.nextToken })).toEqual({ page: ['c'] });
  });

  test('has no token when nothing is left', () => {
    expect(paginate(['a', 'b'], idOf, { maxResults: 2 })).toEqual({ page: ['a', 'b'] });
    expect(paginate([], idOf, { maxResults: 2 })).toEqual({ page: [] });
  });

  test('goes on where the last one ended although items came to the front', () => {
    const { nextToken } = paginate(['a', 'b', 'c'], idOf, { maxResults: 1 });
    expect(paginate(['z', 'a', 'b', 'c'], idOf, { maxResults: 1, nextToken }).page).toEqual(['b']);
  });

  test('is refused for a token that is not of the list', () => {
    expect(() => paginate(['a'], idOf, { maxResults: 1, nextToken: 'bm9wZQ' })).toThrow(
      expect.objectContaining({ type: 'ValidationException', message: expect.stringContaining('nextToken') }),
    );
  });
});
