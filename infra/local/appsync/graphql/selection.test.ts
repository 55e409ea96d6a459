import { buildSchema, execute, type GraphQLResolveInfo, parse } from 'graphql';
import { pickSelected } from './selection.ts';

const SCHEMA = buildSchema(`
  type Inner { a: Int b: Int }
  type Outer { id: ID inner: Inner list: [Inner!] }
  type Query { outer: Outer }
`);
const OUTER = { id: '1', inner: { a: 1, b: 2 }, list: [{ a: 3, b: 4 }] };

async function pickedBy(query: string, variableValues: Record<string, unknown> = {}): Promise<unknown> {
  let picked: unknown;
  await execute({
    schema: SCHEMA,
    document: parse(query),
    variableValues,
    rootValue: {
      outer(_args: unknown, _context: unknown, info: GraphQLResolveInfo) {
        picked = pickSelected(OUTER, info);
        return OUTER;
      },
    },
  });
  return picked;
}

test.each([
  ['{ outer { id } }', { id: '1' }],
  ['{ outer { inner { b } } }', { inner: { b: 2 } }],
  ['{ outer { list { a } } }', { list: [{ a: 3 }] }],
  ['{ outer { other: id } }', { id: '1' }],
  ['{ outer { ...Part } } fragment Part on Outer { id inner { a } }', { id: '1', inner: { a: 1 } }],
  ['{ outer { ... on Outer { id } inner { a } inner { b } } }', { id: '1', inner: { a: 1, b: 2 } }],
])('%s picks its fields by their own names', async (query, picked) => {
  expect(await pickedBy(query)).toEqual(picked);
});

test('what @skip and @include leave out is not picked', async () => {
  const query = 'query ($yes: Boolean!) { outer { id @skip(if: $yes) inner @include(if: $yes) { a } } }';
  expect(await pickedBy(query, { yes: true })).toEqual({ inner: { a: 1 } });
  expect(await pickedBy(query, { yes: false })).toEqual({ id: '1' });
});
