import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { RemovalPolicy } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import type { Settings } from './settings.ts';

/**
 * A log group that is kept as long as the operator said, and no longer than the stack where nothing is to be kept.
 *
 * @param name for those groups whose name AWS prescribes; default: one made by CloudFormation
 */
export function logGroup(
  scope: Construct,
  id: string,
  { logRetentionDays, keepData }: Pick<Settings, 'logRetentionDays' | 'keepData'>,
  name?: string,
): LogGroup {
  return new LogGroup(scope, id, {
    ...(name !== undefined && { logGroupName: name }),
    retention: logRetentionDays,
    removalPolicy: keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
  });
}

/** Without `logs:CreateLogGroup`: a group that a service made itself would be kept for ever. */
export function writeLog(logs: LogGroup): PolicyStatement {
  return new PolicyStatement({ actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [logs.logGroupArn] });
}
