import { fileURLToPath } from 'node:url';
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import {
  AwsLogDriverMode,
  Capability,
  ContainerImage,
  CpuArchitecture,
  FargateTaskDefinition,
  LinuxParameters,
  LogDrivers,
  OperatingSystemFamily,
  Secret,
} from 'aws-cdk-lib/aws-ecs';
import type { Role } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { ISecret, Secret as StageKeySecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Duration, Size, Validations } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { acknowledgeWildcard } from '../acknowledge.ts';
import type { Settings } from '../settings.ts';
import { readDockerfile } from './dockerfile.ts';

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url));

/** Time from SIGTERM to SIGKILL: above the server's `DRAIN_TIMEOUT_MS`, below Fargate's 120 seconds. */
export const STOP_TIMEOUT = Duration.seconds(60);

/**
 * All that a container has from the start but SETUID and SETGID, by which the server starts Chromium as another user.
 * Fargate takes capabilities away one by one, and knows no `ALL`.
 */
const DROPPED_CAPABILITIES = [
  Capability.AUDIT_WRITE,
  Capability.CHOWN,
  Capability.DAC_OVERRIDE,
  Capability.FOWNER,
  Capability.FSETID,
  Capability.KILL,
  Capability.MKNOD,
  Capability.NET_BIND_SERVICE,
  Capability.NET_RAW,
  Capability.SETFCAP,
  Capability.SETPCAP,
  Capability.SYS_CHROOT,
];

export interface TaskProps {
  readonly settings: Pick<Settings, 'cpu' | 'memoryMiB' | 'architecture'>;
  readonly role: Role;
  readonly environment: Readonly<Record<string, string>>;
  readonly stageKey: StageKeySecret;
  readonly logs: ILogGroup;
}

/** One task: one container, which is one virtual participant. */
export class Task extends Construct {
  readonly definition: FargateTaskDefinition;

  constructor(scope: Construct, { settings, role, environment, stageKey, logs }: TaskProps) {
    super(scope, 'Task');
    const { cpu, memoryMiB, architecture } = settings;
    const { volumes, healthCheck } = readDockerfile();
    const isArm = architecture === 'ARM64';
    this.definition = new FargateTaskDefinition(this, 'Definition', {
      cpu,
      memoryLimitMiB: memoryMiB,
      runtimePlatform: {
        cpuArchitecture: isArm ? CpuArchitecture.ARM64 : CpuArchitecture.X86_64,
        operatingSystemFamily: OperatingSystemFamily.LINUX,
      },
      taskRole: role,
      volumes: volumes.map((path) => ({ name: volumeName(path) })),
    });
    const image = new DockerImageAsset(this, 'Image', {
      directory: PROJECT,
      platform: isArm ? Platform.LINUX_ARM64 : Platform.LINUX_AMD64,
    });
    const linuxParameters = new LinuxParameters(this, 'Linux');
    linuxParameters.dropCapabilities(...DROPPED_CAPABILITIES);
    const secret = stageKey as ISecret;
    const container = this.definition.addContainer('Participant', {
      image: ContainerImage.fromDockerImageAsset(image),
      environment: { ...environment },
      secrets: {
        STAGE_PUBLIC_KEY_ARN: Secret.fromSecretsManager(secret, 'publicKeyArn'),
        STAGE_PRIVATE_KEY: Secret.fromSecretsManager(secret, 'privateKey'),
      },
      readonlyRootFilesystem: true,
      linuxParameters,
      healthCheck: {
        command: ['CMD', ...healthCheck],
        interval: Duration.seconds(10),
        timeout: Duration.seconds(5),
        retries: 3,
        startPeriod: Duration.seconds(30),
      },
      stopTimeout: STOP_TIMEOUT,
      // A log that cannot be written must not hold up media: lines are lost instead.
      logging: LogDrivers.awsLogs({
        logGroup: logs,
        streamPrefix: 'vp',
        mode: AwsLogDriverMode.NON_BLOCKING,
        maxBufferSize: Size.mebibytes(4),
      }),
    });
    // Fargate has no tmpfs, and gives a folder to root unless the image declares it as VOLUME ("Use bind mounts with Amazon ECS").
    container.addMountPoints(
      ...volumes.map((path) => ({ sourceVolume: volumeName(path), containerPath: path, readOnly: false })),
    );
    Validations.of(this.definition).acknowledge({
      id: 'AwsSolutions-ECS2',
      reason: 'The variables are addresses and names. What is secret, the stage key, comes from Secrets Manager.',
    });
    acknowledgeWildcard(
      this.definition.obtainExecutionRole(),
      '*',
      'ecr:GetAuthorizationToken takes no resource; pulling is allowed from the repository of the image alone.',
    );
  }
}

function volumeName(path: string): string {
  return path.slice(1).replaceAll('/', '-');
}
