import type { Template } from 'aws-cdk-lib/assertions';
import { buildSchema, parse } from 'graphql';
import { bundleResolvers } from '../../local/appsync/bundle.ts';
import { FUNCTIONS, RESOLVERS, TABLES } from '../../resolvers/manifest.ts';
import { grantsOf, roleOf } from '../testing/policies.ts';
import { type Resource, resourcesOf, template, theOnly } from '../testing/synthesized.ts';
import { CALLER_FIELDS, CONTAINER_FIELDS } from './fields.ts';

const KEY = /@aws_api_key/;

let stack: Template;
let withKey: Template;
let code: Map<string, string>;

beforeAll(async () => {
  stack = await template();
  withKey = await template({ apiKey: 'true' });
  code = await bundleResolvers();
});

const schemaOf = (of: Template): string => theOnly(of, 'AWS::AppSync::GraphQLSchema').Properties.Definition;

describe('The API', () => {
  it('takes IAM alone, and has no key', () => {
    const { Properties } = theOnly(stack, 'AWS::AppSync::GraphQLApi');
    expect(Properties.AuthenticationType).toBe('AWS_IAM');
    expect(Properties.AdditionalAuthenticationProviders).toBeUndefined();
    expect(resourcesOf(stack, 'AWS::AppSync::ApiKey')).toEqual({});
  });

  it('is deployed without a directive of the mode that it does not have', () => {
    expect(schemaOf(stack)).not.toMatch(KEY);
    expect(schemaOf(stack)).toMatch(/^ {2}inviteVirtualParticipant\(.*\): VirtualParticipant @aws_iam$/m);
  });

  it('is open by IAM at every field of Query, Mutation and Subscription', () => {
    const roots = parse(schemaOf(stack)).definitions.flatMap((definition) =>
      definition.kind === 'ObjectTypeDefinition' && /^(Query|Mutation|Subscription)$/.test(definition.name.value)
        ? (definition.fields ?? [])
        : [],
    );
    const closed = roots.filter(({ directives = [] }) => !directives.some(({ name }) => name.value === 'aws_iam'));
    expect(roots.length).toBeGreaterThan(0);
    expect(closed.map(({ name }) => name.value)).toEqual([]);
  });

  it('has a key that ends within 31 days where one was asked for, as a second mode', () => {
    const { Properties } = theOnly(withKey, 'AWS::AppSync::GraphQLApi');
    expect(Properties.AuthenticationType).toBe('AWS_IAM');
    expect(Properties.AdditionalAuthenticationProviders).toEqual([{ AuthenticationType: 'API_KEY' }]);
    const days = (theOnly(withKey, 'AWS::AppSync::ApiKey').Properties.Expires - Date.now() / 1_000) / 86_400;
    expect(days).toBeGreaterThan(29);
    expect(days).toBeLessThan(31);
  });

  it('never opens register, report and heartbeat to the key', () => {
    const open = schemaOf(withKey)
      .split('\n')
      .filter((line) => KEY.test(line));
    expect(open.some((line) => line.includes('inviteVirtualParticipant'))).toBe(true);
    expect(open.filter((line) => /^ *(register|report|heartbeat)/.test(line))).toEqual([]);
  });

  it('names only fields that the schema has, in the policies of callers and container', () => {
    const directives =
      'scalar AWSDateTime directive @aws_iam on OBJECT | FIELD_DEFINITION directive @aws_subscribe(mutations: [String!]!) on FIELD_DEFINITION ';
    const schema = buildSchema(directives + schemaOf(stack));
    const unknown = [...CALLER_FIELDS, ...CONTAINER_FIELDS].filter((name) => {
      const [type = '', field = ''] = name.split('.');
      const found = schema.getType(type);
      return !(found !== undefined && 'getFields' in found && field in found.getFields());
    });
    expect(unknown).toEqual([]);
  });

  it('logs errors, not requests, for as long as logs are kept, and may not make a group itself', () => {
    const { LogConfig } = theOnly(stack, 'AWS::AppSync::GraphQLApi').Properties;
    expect(LogConfig).toMatchObject({ FieldLogLevel: 'ERROR', ExcludeVerboseContent: true });
    expect(grantsOf(stack, roleOf(LogConfig.CloudWatchLogsRoleArn))).toEqual([
      'logs:CreateLogStream on <LogGroup.Arn>',
      'logs:PutLogEvents on <LogGroup.Arn>',
    ]);
  });
});

describe('The resolvers', () => {
  it('are the bundles of the local API, each below the 32,768 characters of AppSync', () => {
    const deployed = [
      ...Object.values(resourcesOf(stack, 'AWS::AppSync::Resolver')).map(
        ({ Properties }) => [`${Properties.TypeName}.${Properties.FieldName}`, Properties.Code] as const,
      ),
      ...Object.values(resourcesOf(stack, 'AWS::AppSync::FunctionConfiguration')).map(
        ({ Properties }) => [Properties.Name as string, Properties.Code] as const,
      ),
    ];
    expect(Object.fromEntries(deployed)).toEqual(Object.fromEntries(code));
    for (const text of code.values()) expect(text.length).toBeLessThan(32_768);
  });

  it('run in the order of the manifest', () => {
    const functions = resourcesOf(stack, 'AWS::AppSync::FunctionConfiguration');
    const invite = Object.values(resourcesOf(stack, 'AWS::AppSync::Resolver')).find(
      ({ Properties }) => Properties.FieldName === 'inviteVirtualParticipant',
    );
    const ids: { 'Fn::GetAtt': [string, string] }[] = invite?.Properties.PipelineConfig.Functions ?? [];
    expect(ids.map(({ 'Fn::GetAtt': [id] }) => functions[id]?.Properties.Name)).toEqual(
      RESOLVERS['Mutation.inviteVirtualParticipant'].functions,
    );
  });

  it('find their tables by the variables of the manifest', () => {
    const { EnvironmentVariables } = theOnly(stack, 'AWS::AppSync::GraphQLApi').Properties;
    expect(Object.keys(EnvironmentVariables).sort()).toEqual(
      Object.values(TABLES)
        .map(({ environment }) => environment)
        .sort(),
    );
  });

  it.each(Object.keys(TABLES) as (keyof typeof TABLES)[])(
    'on %s may do what they ask DynamoDB for, and nothing else',
    (table) => {
      const names = [
        ...Object.entries(RESOLVERS).filter(([, plan]) => 'table' in plan && plan.table === table),
        ...Object.entries(FUNCTIONS).filter(([, bound]) => bound === table),
      ].map(([name]) => name);
      // A transaction is permitted by its parts.
      const asked = names
        .flatMap((name) =>
          [...(code.get(name) ?? '').matchAll(/operation: "(\w+)"/g)].map(([, operation]) => `dynamodb:${operation}`),
        )
        .filter((action) => action !== 'dynamodb:TransactWriteItems');
      const grants = grantsOf(stack, roleOf(sourceOn(table).Properties.ServiceRoleArn));
      expect([...new Set(grants.map((grant) => grant.split(' ')[0]))]).toEqual([...new Set(asked)].sort());
    },
  );

  it('reach both tables in the transaction of an invite, the index only to query it', () => {
    const grants = grantsOf(stack, roleOf(sourceOn('virtualParticipants').Properties.ServiceRoleArn));
    expect(grants).toEqual([
      'dynamodb:GetItem on <GlobalTable.Arn>',
      'dynamodb:PutItem on <GlobalTable.Arn>',
      'dynamodb:Query on <GlobalTable.Arn>/index/byStatus',
      'dynamodb:Scan on <GlobalTable.Arn>',
      'dynamodb:UpdateItem on <GlobalTable.Arn>',
    ]);
  });
});

function sourceOn(table: keyof typeof TABLES): Resource {
  const name = table === 'inviteTokens' ? 'InviteTokens' : 'VirtualParticipants';
  const found = Object.values(resourcesOf(stack, 'AWS::AppSync::DataSource')).find(
    ({ Properties }) => Properties.Name === name,
  );
  if (found === undefined) throw new Error(`There is no data source ${name}.`);
  return found;
}
