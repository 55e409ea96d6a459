import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Arn, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { acknowledgeWildcard } from './acknowledge.ts';
import { CONTAINER_FIELDS, fieldArns } from './api/fields.ts';

/** What the permissions name. */
export interface TaskResources {
  readonly apiId: string;
  readonly clusterName: string;
  readonly assetBucketArn: string;
  /** `null`: every stage of this account in this region. */
  readonly stageArns: readonly string[] | null;
}

/**
 * The role of the tasks, with every permission that they have: no other part of the stack adds to it. What ECS itself needs
 * to start a task (the image, the log, the stage key) belongs to the execution role, which no code in the container can use.
 */
export function taskRole(scope: Construct, resources: TaskResources): Role {
  const stack = Stack.of(scope);
  const { apiId, clusterName, assetBucketArn, stageArns } = resources;
  const anyStage = Arn.format({ service: 'ivs', resource: 'stage', resourceName: '*' }, stack);
  const anyAsset = `${assetBucketArn}/*`;
  const anyTask = Arn.format({ service: 'ecs', resource: 'task', resourceName: `${clusterName}/*` }, stack);
  const statements = [
    new PolicyStatement({
      sid: 'RegisterReportAndHearInvites',
      actions: ['appsync:GraphQL'],
      resources: fieldArns(stack, apiId, CONTAINER_FIELDS),
    }),
    new PolicyStatement({
      sid: 'JoinStages',
      // GetStage: where a token that was signed here is to be used. DisconnectParticipant: when the page does not leave.
      actions: ['ivs:CreateParticipantToken', 'ivs:DisconnectParticipant', 'ivs:GetStage'],
      resources: [...(stageArns ?? [anyStage])],
    }),
    new PolicyStatement({
      sid: 'ReadAssets',
      actions: ['s3:GetObject'],
      resources: [anyAsset],
    }),
    new PolicyStatement({
      // Without it S3 answers 403 for a key that is not there, and an invite would be told that it is forbidden.
      sid: 'TellMissingAssetsFromForbidden',
      actions: ['s3:ListBucket'],
      resources: [assetBucketArn],
    }),
    new PolicyStatement({
      sid: 'ProtectItselfWhileTaken',
      actions: ['ecs:GetTaskProtection', 'ecs:UpdateTaskProtection'],
      resources: [anyTask],
    }),
  ];
  const role = new Role(scope, 'TaskRole', {
    description: 'What the code in a task may do: infra/aws/task-permissions.ts',
    assumedBy: new ServicePrincipal('ecs-tasks.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': stack.account } },
    }),
    inlinePolicies: { Task: new PolicyDocument({ statements }) },
  });
  if (stageArns === null)
    acknowledgeWildcard(role, anyStage, 'Which stages there will be is not known; the setting stageArns names them.');
  acknowledgeWildcard(role, anyAsset, 'An invite names any object of the bucket, which holds nothing but assets.');
  acknowledgeWildcard(
    role,
    anyTask,
    'A task cannot be named before it runs; these are the tasks of this cluster alone.',
  );
  return role;
}
