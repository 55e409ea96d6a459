import {
  AvailabilityZoneRebalancing,
  Cluster,
  ContainerInsights,
  FargateService,
  type ICluster,
  PropagatedTagSource,
} from 'aws-cdk-lib/aws-ecs';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Stack, Validations } from 'aws-cdk-lib/core';
import { Construct, type IDependable } from 'constructs';
import type { Api } from '../api/api.ts';
import type { AssetBucket } from '../assets/asset-bucket.ts';
import { logGroup } from '../logs.ts';
import type { Settings } from '../settings.ts';
import { taskRole } from '../task-permissions.ts';
import { Task } from './container.ts';
import { Network } from './network.ts';

export interface ServiceProps {
  readonly settings: Settings;
  readonly api: Api;
  readonly assets: AssetBucket;
  readonly stageKey: Secret;
  /** What must be there before the first task starts. */
  readonly after: readonly IDependable[];
}

/** The tasks that are the pool. How many is for the pool's function to say, so this says nothing of it. */
export class Service extends Construct {
  readonly cluster: Cluster;
  readonly service: FargateService;
  readonly logs: LogGroup;

  constructor(scope: Construct, { settings, api, assets, stageKey, after }: ServiceProps) {
    super(scope, 'Service');
    const stack = Stack.of(this);
    const network = new Network(this, settings);
    this.cluster = new Cluster(this, 'Cluster', {
      vpc: network.vpc,
      containerInsightsV2: ContainerInsights.DISABLED,
    });
    Validations.of(this.cluster).acknowledge({
      id: 'AwsSolutions-ECS4',
      reason:
        'Container Insights bills metrics for each task; the server writes the ones that alarms and dashboard need itself, and ECS tells of stopped tasks by events.',
    });
    this.logs = logGroup(this, 'Logs', settings);
    const task = new Task(this, {
      settings,
      role: taskRole(this, {
        apiId: api.api.apiId,
        clusterName: this.cluster.clusterName,
        assetBucketArn: assets.bucket.bucketArn,
        stageArns: settings.stageArns,
      }),
      environment: {
        AWS_REGION: stack.region,
        GRAPHQL_API_URL: api.api.graphqlUrl,
        DEFAULT_ASSET: settings.defaultAsset,
        METRICS_NAMESPACE: settings.stackName,
      },
      stageKey,
      logs: this.logs,
    });
    this.service = new FargateService(this, 'Tasks', {
      cluster: this.cluster as ICluster,
      taskDefinition: task.definition,
      vpcSubnets: { subnets: network.subnets },
      securityGroups: [network.securityGroup],
      assignPublicIp: true,
      // New tasks first, then the old ones that are free: a deployment never leaves fewer places.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      circuitBreaker: { enable: true, rollback: true },
      // To even out zones it would stop tasks that are free, and that somebody may be about to invite.
      availabilityZoneRebalancing: AvailabilityZoneRebalancing.DISABLED,
      enableExecuteCommand: false,
      enableECSManagedTags: true,
      propagateTags: PropagatedTagSource.SERVICE,
    });
    this.service.node.addDependency(...after);
  }
}
