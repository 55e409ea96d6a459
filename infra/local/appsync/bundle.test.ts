import appsync from '@aws-appsync/eslint-plugin';
import { Linter } from 'eslint';
import { FUNCTIONS, RESOLVERS } from '../../resolvers/manifest.ts';
import { bundleResolvers } from './bundle.ts';
import { readSchema } from './graphql/schema.ts';
import { MOST_FUNCTIONS } from './resolve.ts';

/** AppSync's quota "Maximum code size for a function or a resolver", in characters. */
const MOST_CHARACTERS = 32_768;

const NAMES = [...Object.keys(RESOLVERS), ...Object.keys(FUNCTIONS)];

let bundles: Map<string, string>;

beforeAll(async () => {
  bundles = await bundleResolvers();
});

test.each(NAMES)('%s is below the size that AppSync takes, and is nothing that APPSYNC_JS refuses', (name) => {
  const code = bundles.get(name) ?? '';
  expect(code.length).toBeGreaterThan(0);
  expect(code.length).toBeLessThan(MOST_CHARACTERS);
  const linter = new Linter();
  expect(linter.verify(code, [appsync.configs?.['base'] as Linter.Config])).toEqual([]);
});

test('no bundle holds more than its two handlers, and every import is of the runtime', () => {
  for (const code of bundles.values()) {
    expect(code.match(/^export \{[^}]*\};$/gm)).toEqual(['export {\n  request,\n  response\n};']);
    const imports = code.match(/^import .*$/gm) ?? [];
    expect(imports.filter((line) => !line.endsWith(' from "@aws-appsync/utils";'))).toEqual([]);
  }
});

test('a pipeline has at most ten functions, each of which exists', () => {
  for (const plan of Object.values(RESOLVERS)) {
    const functions: readonly string[] = 'functions' in plan ? plan.functions : [];
    expect(functions.length).toBeLessThanOrEqual(MOST_FUNCTIONS);
    expect(functions.filter((name) => !Object.hasOwn(FUNCTIONS, name))).toEqual([]);
  }
});

test('every field of Query and Mutation has a resolver, and there is no other', () => {
  const { graphql } = readSchema();
  const fields = [graphql.getQueryType(), graphql.getMutationType()].flatMap((type) =>
    Object.keys(type?.getFields() ?? {}).map((field) => `${type?.name}.${field}`),
  );
  expect(Object.keys(RESOLVERS).sort()).toEqual(fields.sort());
});
