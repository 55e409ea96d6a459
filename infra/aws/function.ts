import { fileURLToPath } from 'node:url';
import { PolicyDocument, type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Runtime } from 'aws-cdk-lib/aws-lambda';
import { NodejsFunction } from 'aws-cdk-lib/aws-lambda-nodejs';
import type { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { logGroup, writeLog } from './logs.ts';
import type { Settings } from './settings.ts';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

export interface HandlerProps {
  readonly settings: Pick<Settings, 'logRetentionDays' | 'keepData'>;
  readonly description: string;
  /** The file whose `handler` is called. */
  readonly entry: URL;
  readonly environment: Readonly<Record<string, string>>;
  /** All that it may do besides writing its own log. */
  readonly statements: readonly PolicyStatement[];
  readonly timeout: Duration;
  /** The most that run at a time. Default: as many as the account allows. */
  readonly reservedConcurrentExecutions?: number;
}

/** A Lambda function with a role and a log group of its own: what it may do is what is given here. */
export class Handler extends Construct {
  readonly function: NodejsFunction;

  constructor(scope: Construct, id: string, props: HandlerProps) {
    super(scope, id);
    const { settings, entry, environment, statements, ...rest } = props;
    const logs = logGroup(this, 'Logs', settings);
    const role = new Role(this, 'Role', {
      description: `May do what "${props.description}" asks for`,
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: {
        Work: new PolicyDocument({
          statements: [...statements, writeLog(logs)],
        }),
      },
    });
    this.function = new NodejsFunction(this, 'Function', {
      ...rest,
      entry: fileURLToPath(entry),
      handler: 'handler',
      projectRoot: PROJECT,
      depsLockFilePath: `${PROJECT}package-lock.json`,
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 256,
      environment: { ...environment },
      role,
      logGroup: logs,
      // The SDK of the lock file, which is the one that the tests have run with, rather than the runtime's.
      bundling: { bundleAwsSDK: true, minify: true, target: 'node24' },
    });
  }
}
