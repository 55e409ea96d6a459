import type { Template } from 'aws-cdk-lib/assertions';
import { grantsOf, roleOf } from '../testing/policies.ts';
import { type Resource, resourcesOf, template, theOnly } from '../testing/synthesized.ts';

const KEYS = [
  'ivs:DeletePublicKey on arn:<AWS::Partition>:ivs:<AWS::Region>:<AWS::AccountId>:public-key/*',
  'ivs:GetPublicKey on arn:<AWS::Partition>:ivs:<AWS::Region>:<AWS::AccountId>:public-key/*',
  'ivs:ImportPublicKey on arn:<AWS::Partition>:ivs:<AWS::Region>:<AWS::AccountId>:public-key/*',
  'ivs:ListPublicKeys on *',
  'ivs:TagResource on arn:<AWS::Partition>:ivs:<AWS::Region>:<AWS::AccountId>:public-key/*',
  'logs:CreateLogStream on <LogGroup.Arn>',
  'logs:PutLogEvents on <LogGroup.Arn>',
  'secretsmanager:DescribeSecret on <Secret>',
  'secretsmanager:GetSecretValue on <Secret>',
  'secretsmanager:PutSecretValue on <Secret>',
];

let stack: Template;

beforeAll(async () => {
  stack = await template();
});

function functionWith(variable: string): Resource['Properties'] {
  const all = Object.values(resourcesOf(stack, 'AWS::Lambda::Function'));
  return all.find(({ Properties: { Environment } }) => {
    const variables = Environment?.Variables ?? {};
    return variable in variables && 'KEY_NAME_PREFIX' in variables;
  })?.Properties;
}

it('The key is rotated every 30 days, at the deployment for the first time', () => {
  expect(theOnly(stack, 'AWS::SecretsManager::RotationSchedule').Properties).toMatchObject({
    RotationRules: { AutomaticallyAfterDays: 30 },
    RotateImmediatelyOnUpdate: true,
  });
});

it('No key is in the template', () => {
  expect(theOnly(stack, 'AWS::SecretsManager::Secret').Properties).toMatchObject({ SecretString: '{}' });
});

it('Who makes the first key may handle keys of this secret, and nothing else', () => {
  const maker = functionWith('SECRET_ARN');
  expect(grantsOf(stack, roleOf(maker.Role))).toEqual(KEYS);
  expect(Object.keys(maker.Environment.Variables).sort()).toEqual(['KEY_NAME_PREFIX', 'SECRET_ARN']);
});

it('Who rotates it may replace the tasks of this service besides, and is called by Secrets Manager for this secret', () => {
  const rotation = functionWith('CLUSTER');
  expect(grantsOf(stack, roleOf(rotation.Role))).toEqual([
    'ecs:UpdateService on <Service>',
    ...KEYS,
    'secretsmanager:UpdateSecretVersionStage on <Secret>',
  ]);
  expect(Object.keys(rotation.Environment.Variables).sort()).toEqual(['CLUSTER', 'KEY_NAME_PREFIX', 'SERVICE']);
  const permissions = Object.values(resourcesOf(stack, 'AWS::Lambda::Permission')).map(({ Properties }) => Properties);
  const [secret] = Object.keys(resourcesOf(stack, 'AWS::SecretsManager::Secret'));
  expect(permissions).toContainEqual(
    expect.objectContaining({ Principal: 'secretsmanager.amazonaws.com', SourceArn: { Ref: secret } }),
  );
});

it('Both touch only public keys that bear the tag of this secret', () => {
  const [secret] = Object.keys(resourcesOf(stack, 'AWS::SecretsManager::Secret'));
  for (const { Role } of [functionWith('SECRET_ARN'), functionWith('CLUSTER')]) {
    const role = stack.findResources('AWS::IAM::Role')[roleOf(Role)];
    const statements: { Action: string[]; Condition?: unknown }[] =
      role?.['Properties'].Policies[0].PolicyDocument.Statement;
    const conditionOf = (action: string) =>
      statements.find(({ Action }) => [Action].flat().includes(action))?.Condition;
    expect(conditionOf('ivs:ImportPublicKey')).toEqual({
      StringEquals: { 'aws:RequestTag/stage-key-secret': { Ref: secret } },
    });
    expect(conditionOf('ivs:DeletePublicKey')).toEqual({
      StringEquals: { 'aws:ResourceTag/stage-key-secret': { Ref: secret } },
    });
  }
});
