import { readFileSync } from 'node:fs';
import type { Template } from 'aws-cdk-lib/assertions';
import { SETTINGS } from '../../../server/settings.ts';
import { grantsOf, roleOf } from '../testing/policies.ts';
import { type Resource, resourcesOf, template, theOnly } from '../testing/synthesized.ts';
import { readDockerfile } from './dockerfile.ts';
import { FARGATE } from './limits.ts';

const DOCKERFILE = readFileSync(new URL('../../../Dockerfile', import.meta.url), 'utf8');

let stack: Template;
let task: Resource['Properties'];
let container: Resource['Properties'];
let service: Resource['Properties'];

beforeAll(async () => {
  stack = await template();
  task = theOnly(stack, 'AWS::ECS::TaskDefinition').Properties;
  [container] = task.ContainerDefinitions;
  service = theOnly(stack, 'AWS::ECS::Service').Properties;
});

describe('A task', () => {
  it('has one vCPU and 2 GB on x86, unless it is said otherwise', async () => {
    expect([task.Cpu, task.Memory, task.RuntimePlatform.CpuArchitecture]).toEqual(['1024', '2048', 'X86_64']);
    const other = await template({ cpu: '512', memoryMiB: '1024', architecture: 'ARM64' });
    const { Cpu, Memory, RuntimePlatform } = theOnly(other, 'AWS::ECS::TaskDefinition').Properties;
    expect([Cpu, Memory, RuntimePlatform.CpuArchitecture]).toEqual(['512', '1024', 'ARM64']);
  });

  it('gets SIGKILL after the server has drained, and within the time that Fargate gives', () => {
    const drainMs = Number(SETTINGS.find(({ name }) => name === 'DRAIN_TIMEOUT_MS')?.default);
    expect(container.StopTimeout * 1_000).toBeGreaterThan(drainMs);
    expect(container.StopTimeout).toBeLessThanOrEqual(FARGATE.maxStopTimeoutSeconds);
  });

  it('asks for nothing that Fargate refuses: no tmpfs, no shared memory, no devices, no privileges', () => {
    const refused = Object.keys(container.LinuxParameters).filter((name) =>
      (FARGATE.refusedLinuxParameters as readonly string[]).includes(name),
    );
    expect(refused).toEqual([]);
    expect(container.Privileged).toBeUndefined();
    const added: string[] = container.LinuxParameters.Capabilities.Add ?? [];
    expect(added.filter((name) => !(FARGATE.addableCapabilities as readonly string[]).includes(name))).toEqual([]);
    expect(task.NetworkMode).toBe('awsvpc');
    expect(task.RequiresCompatibilities).toEqual(['FARGATE']);
  });

  it('keeps of the capabilities of a container those alone that becoming another user takes', () => {
    // "Runtime privilege and Linux capabilities" in Docker's reference: those that a container has from the start.
    const docker = [
      'AUDIT_WRITE',
      'CHOWN',
      'DAC_OVERRIDE',
      'FOWNER',
      'FSETID',
      'KILL',
      'MKNOD',
      'NET_BIND_SERVICE',
      'NET_RAW',
      'SETFCAP',
      'SETGID',
      'SETPCAP',
      'SETUID',
      'SYS_CHROOT',
    ];
    const dropped: string[] = container.LinuxParameters.Capabilities.Drop;
    expect(docker.filter((name) => !dropped.includes(name))).toEqual(['SETGID', 'SETUID']);
  });

  it('has a read-only root, and each folder that is written is a VOLUME of the image, which keeps its owner', () => {
    expect(container.ReadonlyRootFilesystem).toBe(true);
    const volumes = [...DOCKERFILE.matchAll(/^VOLUME (.*)$/gm)].flatMap(([, paths = '']) => paths.split(/\s+/));
    const mounts: { ContainerPath: string; SourceVolume: string }[] = container.MountPoints;
    expect(mounts.map(({ ContainerPath }) => ContainerPath).sort()).toEqual(volumes.sort());
    // A name alone: a bind mount of the host, which Fargate does not have, or of EFS would have more.
    expect(task.Volumes).toEqual(mounts.map(({ SourceVolume }) => ({ Name: SourceVolume })));
  });

  it('is healthy when the image says so: ECS does not heed HEALTHCHECK', () => {
    expect(container.HealthCheck).toEqual({
      Command: ['CMD', ...readDockerfile().healthCheck],
      Interval: 10,
      Timeout: 5,
      Retries: 3,
      StartPeriod: 30,
    });
  });

  it('gets only settings that the server has, the stage key from the secret, and no secret as plain text', () => {
    const environment: string[] = container.Environment.map(({ Name }: { Name: string }) => Name);
    const secrets: string[] = container.Secrets.map(({ Name }: { Name: string }) => Name);
    expect(secrets).toEqual(['STAGE_PUBLIC_KEY_ARN', 'STAGE_PRIVATE_KEY']);
    expect(JSON.stringify(container.Secrets)).toMatch(/:publicKeyArn::.*:privateKey::/);
    const secret = SETTINGS.filter(({ isSecret }) => isSecret).map(({ name }) => name);
    expect(environment.filter((name) => secret.includes(name))).toEqual([]);
    expect(environment).toEqual(['AWS_REGION', 'GRAPHQL_API_URL', 'DEFAULT_ASSET', 'METRICS_NAMESPACE']);
  });

  it('loses lines of its log rather than time, and logs are kept for 30 days', () => {
    expect(container.LogConfiguration.LogDriver).toBe('awslogs');
    expect(container.LogConfiguration.Options).toMatchObject({ mode: 'non-blocking', 'max-buffer-size': '4194304b' });
    const groups = Object.values(resourcesOf(stack, 'AWS::Logs::LogGroup'));
    expect([...new Set(groups.map(({ Properties }) => Properties.RetentionInDays))]).toEqual([30]);
  });

  it('is started by a role that reads the image, the stage key and nothing else, and writes the log', () => {
    expect(grantsOf(stack, roleOf(task.ExecutionRoleArn))).toEqual([
      'ecr:BatchCheckLayerAvailability on arn:<AWS::Partition>:ecr:<AWS::Region>:<AWS::AccountId>:repository/cdk-hnb659fds-container-assets-<AWS::AccountId>-<AWS::Region>',
      'ecr:BatchGetImage on arn:<AWS::Partition>:ecr:<AWS::Region>:<AWS::AccountId>:repository/cdk-hnb659fds-container-assets-<AWS::AccountId>-<AWS::Region>',
      'ecr:GetAuthorizationToken on *',
      'ecr:GetDownloadUrlForLayer on arn:<AWS::Partition>:ecr:<AWS::Region>:<AWS::AccountId>:repository/cdk-hnb659fds-container-assets-<AWS::AccountId>-<AWS::Region>',
      'logs:CreateLogStream on <LogGroup.Arn>',
      'logs:PutLogEvents on <LogGroup.Arn>',
      'secretsmanager:DescribeSecret on <Secret>',
      'secretsmanager:GetSecretValue on <Secret>',
    ]);
  });
});

describe('The service', () => {
  it('says nothing of how many tasks run, which is for the pool to say', () => {
    expect(service.DesiredCount).toBeUndefined();
  });

  it('starts new tasks before it stops old ones, goes back when they do not start, and lets nobody in', () => {
    expect(service.DeploymentConfiguration).toEqual({
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
      MaximumPercent: 200,
      MinimumHealthyPercent: 100,
    });
    expect(service.EnableExecuteCommand).toBe(false);
    expect(service.AvailabilityZoneRebalancing).toBe('DISABLED');
    expect(service.PropagateTags).toBe('SERVICE');
  });

  it('waits for the first stage key, and for every resolver of the API', () => {
    const waitsFor = [
      ...Object.keys(resourcesOf(stack, 'Custom::StageKeyPair')),
      ...Object.keys(resourcesOf(stack, 'AWS::AppSync::Resolver')),
    ];
    expect(theOnly(stack, 'AWS::ECS::Service').DependsOn).toEqual(expect.arrayContaining(waitsFor));
  });
});

describe('The network', () => {
  it('lets nothing in, and out only HTTPS and media', () => {
    const { Properties } = theOnly(stack, 'AWS::EC2::SecurityGroup');
    expect(Properties.SecurityGroupIngress).toBeUndefined();
    expect(resourcesOf(stack, 'AWS::EC2::SecurityGroupIngress')).toEqual({});
    const out = Properties.SecurityGroupEgress.map((rule: Record<string, unknown>) => [
      rule['IpProtocol'],
      rule['FromPort'],
      rule['ToPort'],
    ]);
    expect(out).toEqual([
      ['tcp', 443, 443],
      ['udp', 0, 65_535],
    ]);
  });

  it('has no NAT gateway, and a public address for each task', () => {
    expect(resourcesOf(stack, 'AWS::EC2::NatGateway')).toEqual({});
    expect(service.NetworkConfiguration.AwsvpcConfiguration.AssignPublicIp).toBe('ENABLED');
  });

  it('is the one that the operator has, if it is named', async () => {
    const other = await template({
      vpcId: 'vpc-0123456789abcdef0',
      publicSubnetIds: 'subnet-01234567,subnet-89abcdef',
    });
    expect(resourcesOf(other, 'AWS::EC2::VPC')).toEqual({});
    const { NetworkConfiguration } = theOnly(other, 'AWS::ECS::Service').Properties;
    expect(NetworkConfiguration.AwsvpcConfiguration.Subnets).toEqual(['subnet-01234567', 'subnet-89abcdef']);
    expect(theOnly(other, 'AWS::EC2::SecurityGroup').Properties.VpcId).toBe('vpc-0123456789abcdef0');
  });
});
