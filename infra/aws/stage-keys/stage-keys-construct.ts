import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { CfnRotationSchedule, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Arn, CustomResource, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib/core';
import { Provider } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import { acknowledgeWildcard } from '../acknowledge.ts';
import { Handler } from '../function.ts';
import { logGroup, writeLog } from '../logs.ts';
import type { Service } from '../service/service.ts';
import type { Settings } from '../settings.ts';
import { SECRET_TAG } from './ivs-keys.ts';

/** How often there is a new key pair; the one before it is accepted until the next. */
export const ROTATION = Duration.days(30);

/** The key pair that signs participant tokens: the secret, and what makes the first pair before a task reads it. */
export class StageKey extends Construct {
  readonly secret: Secret;
  /** The service comes after it. */
  readonly firstKey: CustomResource;
  readonly #settings: Settings;

  constructor(scope: Construct, settings: Settings) {
    super(scope, 'StageKey');
    this.#settings = settings;
    // Empty at first. Never kept: with the stack its public keys leave IVS, and the private ones then sign nothing more.
    this.secret = new Secret(this, 'Secret', {
      description: 'Key pair that signs the participant tokens of virtual participants',
      secretObjectValue: {},
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const maker = new Handler(this, 'FirstKey', {
      settings,
      description: 'Makes the first stage key pair, and deletes the public keys with the stack',
      entry: new URL('./first-key.ts', import.meta.url),
      environment: { ...this.#environment(), SECRET_ARN: this.secret.secretArn },
      statements: this.#statements(),
      timeout: Duration.minutes(2),
    });
    this.#acknowledge(maker);
    const provider = this.#provider(maker);
    this.firstKey = new CustomResource(this, 'Pair', {
      resourceType: 'Custom::StageKeyPair',
      // Should there be another secret one day, it gets its first pair then.
      properties: { SecretArn: this.secret.secretArn },
      serviceToken: provider.serviceToken,
    });
  }

  /** Rotates the key of a service that reads it. Apart from the constructor, since the service needs the first key. */
  rotateFor(service: Service): Handler {
    const rotation = new Handler(this, 'Rotation', {
      settings: this.#settings,
      description: 'Rotates the stage key pair and replaces the tasks that hold the former one',
      entry: new URL('./rotation.ts', import.meta.url),
      environment: {
        ...this.#environment(),
        CLUSTER: service.cluster.clusterName,
        SERVICE: service.service.serviceName,
      },
      statements: [
        ...this.#statements(),
        new PolicyStatement({
          actions: ['secretsmanager:UpdateSecretVersionStage'],
          resources: [this.secret.secretArn],
        }),
        new PolicyStatement({ actions: ['ecs:UpdateService'], resources: [service.service.serviceArn] }),
      ],
      timeout: Duration.minutes(2),
    });
    this.#acknowledge(rotation);
    const principal = new ServicePrincipal('secretsmanager.amazonaws.com');
    rotation.function.addPermission('SecretsManager', { principal, sourceArn: this.secret.secretArn });
    const schedule = new CfnRotationSchedule(this, 'Schedule', {
      secretId: this.secret.secretArn,
      rotationLambdaArn: rotation.function.functionArn,
      rotationRules: { automaticallyAfterDays: ROTATION.toDays() },
      // A rotation that cannot work shows on the day of the deployment, not a month later.
      rotateImmediatelyOnUpdate: true,
    });
    schedule.node.addDependency(rotation.function, this.firstKey);
    return rotation;
  }

  /** The CDK's function that tells CloudFormation what `maker` answers, with a role that has nothing else. */
  #provider(maker: Handler): Provider {
    const logs = logGroup(this, 'ProviderLogs', this.#settings);
    const role = new Role(this, 'ProviderRole', {
      description: 'Calls the function that makes the first stage key pair',
      assumedBy: new ServicePrincipal('lambda.amazonaws.com'),
      inlinePolicies: { Log: new PolicyDocument({ statements: [writeLog(logs)] }) },
    });
    acknowledgeWildcard(role, `${maker.function.functionArn}:*`, 'The CDK names every version of this one function.');
    return new Provider(this, 'Provider', {
      onEventHandler: maker.function,
      logGroup: logs,
      frameworkOnEventRole: role,
    });
  }

  #environment(): Record<string, string> {
    return { KEY_NAME_PREFIX: Stack.of(this).stackName };
  }

  #publicKeys(): string {
    return Arn.format({ service: 'ivs', resource: 'public-key', resourceName: '*' }, Stack.of(this));
  }

  #acknowledge({ function: { role } }: Handler): void {
    if (role === undefined) return;
    acknowledgeWildcard(
      role,
      this.#publicKeys(),
      'IVS chooses their ids; the condition on the tag leaves those of this secret.',
    );
    acknowledgeWildcard(role, '*', 'ivs:ListPublicKeys takes no resource.');
  }

  /** Public keys have ids that nobody knows before; those of this secret are told from others by a tag. */
  #statements(): PolicyStatement[] {
    const publicKeys = this.#publicKeys();
    const { secretArn } = this.secret;
    return [
      new PolicyStatement({
        actions: ['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'],
        resources: [secretArn],
      }),
      new PolicyStatement({
        actions: ['ivs:ImportPublicKey', 'ivs:TagResource'],
        resources: [publicKeys],
        conditions: { StringEquals: { [`aws:RequestTag/${SECRET_TAG}`]: secretArn } },
      }),
      new PolicyStatement({
        actions: ['ivs:DeletePublicKey', 'ivs:GetPublicKey'],
        resources: [publicKeys],
        conditions: { StringEquals: { [`aws:ResourceTag/${SECRET_TAG}`]: secretArn } },
      }),
      // It takes no resource: "Actions defined by Amazon Interactive Video Service" in the Service Authorization Reference.
      new PolicyStatement({ actions: ['ivs:ListPublicKeys'], resources: ['*'] }),
    ];
  }
}
