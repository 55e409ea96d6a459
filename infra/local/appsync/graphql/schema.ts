import { readFileSync } from 'node:fs';
import { buildSchema, type DirectiveNode, type GraphQLSchema, isObjectType } from 'graphql';

const SCHEMA = new URL('../../../schema.graphql', import.meta.url);

/** What AppSync adds to every schema, as far as ours uses it. */
const APPSYNC = `
  scalar AWSDateTime
  directive @aws_api_key on OBJECT | FIELD_DEFINITION
  directive @aws_iam on OBJECT | FIELD_DEFINITION
  directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION
`;

/** How a caller proved who it is. */
export type AuthMode = 'API_KEY' | 'AWS_IAM';

export interface AppSyncSchema {
  graphql: GraphQLSchema;
  /** Whether a caller of this mode may read `type.field`. */
  admits(mode: AuthMode, type: string, field: string): boolean;
  /** The subscriptions that a mutation feeds, by the mutation's name. */
  subscriptionsOf(mutation: string): readonly string[];
}

/** Reads `infra/schema.graphql` with the directives as AppSync understands them. */
export function readSchema(): AppSyncSchema {
  const graphql = buildSchema(APPSYNC + readFileSync(SCHEMA, 'utf8'));
  const fed = new Map<string, string[]>();
  for (const field of Object.values(graphql.getSubscriptionType()?.getFields() ?? {})) {
    for (const mutation of mutationsThatFeed(field.astNode?.directives ?? [])) {
      fed.set(mutation, [...(fed.get(mutation) ?? []), field.name]);
    }
  }
  return {
    graphql,
    admits(mode, typeName, fieldName) {
      const type = graphql.getType(typeName);
      if (!isObjectType(type)) return false;
      const own = modesOf(type.getFields()[fieldName]?.astNode?.directives ?? []);
      const modes = own.length > 0 ? own : modesOf(type.astNode?.directives ?? []);
      // Our API's default mode is IAM: what says nothing is open to it alone.
      return (modes.length > 0 ? modes : ['AWS_IAM']).includes(mode);
    },
    subscriptionsOf: (mutation) => fed.get(mutation) ?? [],
  };
}

function modesOf(directives: readonly DirectiveNode[]): AuthMode[] {
  const names = directives.map(({ name }) => name.value);
  return [
    ...(names.includes('aws_api_key') ? (['API_KEY'] as const) : []),
    ...(names.includes('aws_iam') ? (['AWS_IAM'] as const) : []),
  ];
}

function mutationsThatFeed(directives: readonly DirectiveNode[]): string[] {
  const subscribe = directives.find(({ name }) => name.value === 'aws_subscribe');
  const value = subscribe?.arguments?.find(({ name }) => name.value === 'mutations')?.value;
  if (value?.kind !== 'ListValue') return [];
  return value.values.map((item) => (item.kind === 'StringValue' ? item.value : ''));
}
