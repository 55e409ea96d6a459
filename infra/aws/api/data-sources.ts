import type { GraphqlApi } from 'aws-cdk-lib/aws-appsync';
import { CfnDataSource } from 'aws-cdk-lib/aws-appsync';
import type { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { TABLES, type TableName } from '../../resolvers/manifest.ts';
import type { Tables } from '../tables/tables.ts';

/** A data source for each table, with a role that may do what the resolvers on it ask for and nothing else. */
export function dataSources(scope: Construct, api: GraphqlApi, tables: Tables): Record<TableName, CfnDataSource> {
  const { virtualParticipants, inviteTokens } = tables;
  const index = `${virtualParticipants.tableArn}/index/${TABLES.virtualParticipants.index.name}`;
  return {
    virtualParticipants: dataSource(scope, api, 'VirtualParticipants', virtualParticipants, [
      allow(['dynamodb:GetItem', 'dynamodb:UpdateItem', 'dynamodb:Scan'], virtualParticipants.tableArn),
      allow(['dynamodb:Query'], index),
      // `claim` writes the record and the token in one transaction, whose permissions are those of its parts.
      allow(['dynamodb:PutItem'], inviteTokens.tableArn),
    ]),
    inviteTokens: dataSource(scope, api, 'InviteTokens', inviteTokens, [
      allow(['dynamodb:GetItem'], inviteTokens.tableArn),
    ]),
  };
}

function dataSource(
  scope: Construct,
  api: GraphqlApi,
  name: string,
  table: TableV2,
  statements: PolicyStatement[],
): CfnDataSource {
  const role = new Role(scope, `${name}Role`, {
    description: `What the resolvers on the table ${name} may do`,
    assumedBy: new ServicePrincipal('appsync.amazonaws.com'),
    inlinePolicies: { Tables: new PolicyDocument({ statements }) },
  });
  return new CfnDataSource(scope, `${name}Source`, {
    apiId: api.apiId,
    name,
    type: 'AMAZON_DYNAMODB',
    dynamoDbConfig: { tableName: table.tableName, awsRegion: table.stack.region },
    serviceRoleArn: role.roleArn,
  });
}

function allow(actions: string[], resource: string): PolicyStatement {
  return new PolicyStatement({ actions, resources: [resource] });
}
