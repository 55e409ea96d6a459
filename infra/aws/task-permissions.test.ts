import type { Template } from 'aws-cdk-lib/assertions';
import { grantsOf, policiesOf, roleOf } from './testing/policies.ts';
import { resourcesOf, template, theOnly } from './testing/synthesized.ts';

let stack: Template;

beforeAll(async () => {
  stack = await template();
});

const taskRole = (of = stack) => roleOf(theOnly(of, 'AWS::ECS::TaskDefinition').Properties.TaskRoleArn);

it('A task may do this, on this, and nothing else', () => {
  expect(grantsOf(stack, taskRole())).toEqual([
    'appsync:GraphQL on arn:<AWS::Partition>:appsync:<AWS::Region>:<AWS::AccountId>:apis/<Api.ApiId>/types/Mutation/fields/heartbeatVirtualParticipant',
    'appsync:GraphQL on arn:<AWS::Partition>:appsync:<AWS::Region>:<AWS::AccountId>:apis/<Api.ApiId>/types/Mutation/fields/registerVirtualParticipant',
    'appsync:GraphQL on arn:<AWS::Partition>:appsync:<AWS::Region>:<AWS::AccountId>:apis/<Api.ApiId>/types/Mutation/fields/reportVirtualParticipant',
    'appsync:GraphQL on arn:<AWS::Partition>:appsync:<AWS::Region>:<AWS::AccountId>:apis/<Api.ApiId>/types/Query/fields/getVirtualParticipant',
    'appsync:GraphQL on arn:<AWS::Partition>:appsync:<AWS::Region>:<AWS::AccountId>:apis/<Api.ApiId>/types/Subscription/fields/onVirtualParticipantChanged',
    'ecs:GetTaskProtection on arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:task/<Cluster>/*',
    'ecs:UpdateTaskProtection on arn:<AWS::Partition>:ecs:<AWS::Region>:<AWS::AccountId>:task/<Cluster>/*',
    'ivs:CreateParticipantToken on arn:<AWS::Partition>:ivs:<AWS::Region>:<AWS::AccountId>:stage/*',
    'ivs:DisconnectParticipant on arn:<AWS::Partition>:ivs:<AWS::Region>:<AWS::AccountId>:stage/*',
    'ivs:GetStage on arn:<AWS::Partition>:ivs:<AWS::Region>:<AWS::AccountId>:stage/*',
    's3:GetObject on <Bucket.Arn>/*',
    's3:ListBucket on <Bucket.Arn>',
  ]);
});

it('No other policy is attached to the role of a task, and no part of the stack adds to it', () => {
  const role = stack.findResources('AWS::IAM::Role')[taskRole()]?.['Properties'];
  expect(role.ManagedPolicyArns).toBeUndefined();
  expect(role.Policies).toHaveLength(1);
  const attached = Object.values(resourcesOf(stack, 'AWS::IAM::Policy')).filter(({ Properties }) =>
    JSON.stringify(Properties.Roles ?? []).includes(taskRole()),
  );
  expect(attached).toEqual([]);
});

it('Only ECS tasks of this account take the role', () => {
  expect(stack.findResources('AWS::IAM::Role')[taskRole()]?.['Properties'].AssumeRolePolicyDocument.Statement).toEqual([
    {
      Action: 'sts:AssumeRole',
      Effect: 'Allow',
      Principal: { Service: 'ecs-tasks.amazonaws.com' },
      Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    },
  ]);
});

it('With stageArns only these stages may be joined, with assetBucket only that bucket be read', async () => {
  const arn = 'arn:aws:ivs:us-west-2:111122223333:stage/AbCdEf123456';
  const other = await template({ stageArns: arn, assetBucket: 'my-assets' });
  const grants = grantsOf(other, taskRole(other)).filter((grant) => /^(ivs|s3):/.test(grant));
  expect(grants).toEqual([
    `ivs:CreateParticipantToken on ${arn}`,
    `ivs:DisconnectParticipant on ${arn}`,
    `ivs:GetStage on ${arn}`,
    's3:GetObject on arn:<AWS::Partition>:s3:::my-assets/*',
    's3:ListBucket on arn:<AWS::Partition>:s3:::my-assets',
  ]);
  expect(resourcesOf(other, 'AWS::S3::Bucket')).toEqual({});
});

it('Register, report and heartbeat are open to the role of a task, and to nothing else in the stack', () => {
  const allowed = policiesOf(stack).filter(({ grants }) =>
    grants.some((grant) => mayCall(grant, /^(register|report|heartbeat)VirtualParticipant$/)),
  );
  expect(allowed.map(({ owner }) => owner)).toEqual([taskRole()]);
});

it('The policy for callers opens inviting, kicking, reading and watching, and nothing else', () => {
  const callers = policiesOf(stack).filter(({ type }) => type === 'AWS::IAM::ManagedPolicy');
  const prefix =
    'appsync:GraphQL on arn:<AWS::Partition>:appsync:<AWS::Region>:<AWS::AccountId>:apis/<Api.ApiId>/types/';
  expect(callers.map(({ grants }) => grants)).toEqual([
    [
      `${prefix}Mutation/fields/inviteVirtualParticipant`,
      `${prefix}Mutation/fields/kickVirtualParticipant`,
      `${prefix}Query/fields/getVirtualParticipant`,
      `${prefix}Query/fields/listVirtualParticipants`,
      `${prefix}Subscription/fields/onVirtualParticipantChanged`,
    ],
  ]);
});

/** Whether a grant, wildcards included, reaches a field of Mutation. */
function mayCall(grant: string, field: RegExp): boolean {
  const [action = '', resource = ''] = grant.split(' on ');
  const isGraphQl = wildcard(action).test('appsync:GraphQL');
  const ending = resource.includes('/types/') ? resource.slice(resource.indexOf('/types/')) : '';
  const reachesAll = resource === '*' || (resource.includes('appsync') && resource.endsWith('*') && ending === '');
  const fields = ['register', 'report', 'heartbeat', 'invite', 'kick'].map((name) => `${name}VirtualParticipant`);
  const reached = fields.filter((name) => reachesAll || wildcard(ending).test(`/types/Mutation/fields/${name}`));
  return isGraphQl && reached.some((name) => field.test(name));
}

function wildcard(pattern: string): RegExp {
  return new RegExp(`^${pattern.replaceAll(/[.+^${}()|[\]\\?]/g, String.raw`\$&`).replaceAll('*', '.*')}$`, 'i');
}
