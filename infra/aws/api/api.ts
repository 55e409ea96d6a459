import {
  AuthorizationType,
  CfnFunctionConfiguration,
  type CfnGraphQLApi,
  CfnResolver,
  Definition,
  GraphqlApi,
} from 'aws-cdk-lib/aws-appsync';
import { ManagedPolicy, PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Duration, Expiration, Stack, Validations } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { FUNCTIONS, type FunctionName, RESOLVERS, type ResolverPlan, TABLES } from '../../resolvers/manifest.ts';
import { logGroup, writeLog } from '../logs.ts';
import type { Settings } from '../settings.ts';
import type { Tables } from '../tables/tables.ts';
import { dataSources } from './data-sources.ts';
import { CALLER_FIELDS, fieldArns } from './fields.ts';
import { deployedSchema } from './schema.ts';

const RUNTIME = { name: 'APPSYNC_JS', runtimeVersion: '1.0.0' };

/** How long an API key lives; each deployment begins anew. AppSync takes 1 to 365 days. */
const API_KEY_DAYS = 30;

export interface ApiProps {
  readonly settings: Pick<Settings, 'apiKey' | 'logRetentionDays' | 'keepData'>;
  readonly tables: Tables;
  /** The bundles of `bundleResolvers`: AWS runs the same code as the local API. */
  readonly code: ReadonlyMap<string, string>;
}

/** The GraphQL API by which virtual participants are invited, kicked and watched, and by which they report. */
export class Api extends Construct {
  readonly api: GraphqlApi;
  /** Attach it to whoever may invite, kick, read and watch. It opens nothing else. */
  readonly callerPolicy: ManagedPolicy;

  constructor(scope: Construct, { settings, tables, code }: ApiProps) {
    super(scope, 'Api');
    const definition = deployedSchema(settings);
    this.api = new GraphqlApi(this, 'Graphql', {
      name: Stack.of(this).stackName,
      definition: Definition.fromSchema({ bind: (api) => ({ apiId: (api as GraphqlApi).apiId, definition }) }),
      authorizationConfig: {
        defaultAuthorization: { authorizationType: AuthorizationType.IAM },
        ...(settings.apiKey && { additionalAuthorizationModes: [apiKeyMode()] }),
      },
      environmentVariables: {
        [TABLES.virtualParticipants.environment]: tables.virtualParticipants.tableName,
        [TABLES.inviteTokens.environment]: tables.inviteTokens.tableName,
      },
    });
    this.#logErrors(settings);
    this.#addResolvers(tables, code);
    this.callerPolicy = new ManagedPolicy(this, 'CallerPolicy', {
      description: 'Invites, kicks, reads and watches virtual participants',
      document: new PolicyDocument({
        statements: [
          new PolicyStatement({
            actions: ['appsync:GraphQL'],
            resources: fieldArns(Stack.of(this), this.api.apiId, CALLER_FIELDS),
          }),
        ],
      }),
    });
  }

  /** By hand, since the construct would make a function that may set the retention of any log group. */
  #logErrors(settings: ApiProps['settings']): void {
    const role = new Role(this, 'LogRole', { assumedBy: new ServicePrincipal('appsync.amazonaws.com') });
    const api = this.api.node.defaultChild as CfnGraphQLApi;
    api.logConfig = { fieldLogLevel: 'ERROR', excludeVerboseContent: true, cloudWatchLogsRoleArn: role.roleArn };
    const logs = logGroup(this, 'Logs', settings, `/aws/appsync/apis/${this.api.apiId}`);
    role.addToPolicy(writeLog(logs));
    Validations.of(api).acknowledge({
      id: 'AwsSolutions-ASC3',
      reason:
        'Errors of resolvers are logged. Whole requests are not: they hold who is invited where, and what owns a record.',
    });
  }

  #addResolvers(tables: Tables, code: ReadonlyMap<string, string>): void {
    const { apiId } = this.api;
    const sources = dataSources(this, this.api, tables);
    const functions = Object.entries(FUNCTIONS).map(([name, table]) => {
      const configuration = new CfnFunctionConfiguration(this, name, {
        apiId,
        name,
        dataSourceName: sources[table].attrName,
        runtime: RUNTIME,
        code: codeOf(code, name),
      });
      this.api.addSchemaDependency(configuration);
      return [name, configuration.attrFunctionId] as const;
    });
    const functionIds = Object.fromEntries(functions) as Record<FunctionName, string>;
    for (const [name, plan] of Object.entries<ResolverPlan>(RESOLVERS)) {
      const [typeName = '', fieldName = ''] = name.split('.');
      const resolver = new CfnResolver(this, `${typeName}${fieldName}`, {
        apiId,
        typeName,
        fieldName,
        runtime: RUNTIME,
        code: codeOf(code, name),
        ...('table' in plan
          ? { kind: 'UNIT', dataSourceName: sources[plan.table].attrName }
          : { kind: 'PIPELINE', pipelineConfig: { functions: plan.functions.map((id) => functionIds[id]) } }),
      });
      this.api.addSchemaDependency(resolver);
    }
  }
}

function apiKeyMode() {
  return {
    authorizationType: AuthorizationType.API_KEY,
    apiKeyConfig: {
      description: 'Invites, kicks, reads and watches; cannot register, report or send heartbeats',
      expires: Expiration.after(Duration.days(API_KEY_DAYS)),
    },
  };
}

function codeOf(code: ReadonlyMap<string, string>, name: string): string {
  const text = code.get(name);
  if (text === undefined)
    throw new Error(`There is no bundle of the resolver ${name}; expected one for each of the manifest.`);
  return text;
}
