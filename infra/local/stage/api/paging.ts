import { ApiError } from './errors.ts';

/**
 * Cuts a page out of a list.
 *
 * @param idOf what tells the items apart; a page goes on after the item that the last one ended with, so that items
 *   which came to the front or went away meanwhile move nothing
 * @throws {ApiError} `ValidationException` for a `nextToken` that no page gave out
 */
export function paginate<Item>(
  items: readonly Item[],
  idOf: (item: Item) => string,
  { nextToken, maxResults }: { nextToken?: string | undefined; maxResults: number },
): { page: Item[]; nextToken?: string } {
  const start = nextToken === undefined ? 0 : startAfter(items, idOf, nextToken);
  const page = items.slice(start, start + maxResults);
  const last = page.at(-1);
  if (last === undefined || start + maxResults >= items.length) return { page };
  return { page, nextToken: Buffer.from(idOf(last)).toString('base64url') };
}

function startAfter<Item>(items: readonly Item[], idOf: (item: Item) => string, nextToken: string): number {
  const lastId = Buffer.from(nextToken, 'base64url').toString('utf8');
  const index = items.findIndex((item) => idOf(item) === lastId);
  if (index < 0)
    throw new ApiError('ValidationException', 'nextToken: is not one of this list, or has outlived its item.');
  return index + 1;
}
