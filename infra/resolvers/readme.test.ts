import { readFileSync } from 'node:fs';
import { RETRYABLE } from './common/errors.ts';

test('README.md has every error type, and whether it is retryable', () => {
  const readme = readFileSync(new URL('./README.md', import.meta.url), 'utf8');
  const rows = [...readme.matchAll(/^\| `([A-Z_]+)` \| (yes|no) \|/gm)].map(([, type, answer]) => [
    type,
    answer === 'yes',
  ]);
  expect(Object.fromEntries(rows)).toEqual(RETRYABLE);
});

test('the schema names only error types that there are', () => {
  const schema = readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8');
  const lists = [...schema.matchAll(/Errors: ([A-Z_,\s]+)\./g)].map(([, list = '']) => list.split(/,\s*/));
  expect(lists).toHaveLength(7);
  expect(lists.flat().filter((type) => !Object.hasOwn(RETRYABLE, type))).toEqual([]);
});
