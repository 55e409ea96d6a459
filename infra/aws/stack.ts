import { CfnOutput, Stack } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { Api } from './api/api.ts';
import { AssetBucket } from './assets/asset-bucket.ts';
import { Observability } from './observability/observability.ts';
import { Pool } from './pool/pool-construct.ts';
import { Service } from './service/service.ts';
import type { Settings } from './settings.ts';
import { StageKey } from './stage-keys/stage-keys-construct.ts';
import { StatusEvents } from './status-events/status-events.ts';
import { Tables } from './tables/tables.ts';

export interface VirtualParticipantStackProps {
  readonly settings: Settings;
  /** The bundles of `bundleResolvers`. */
  readonly resolvers: ReadonlyMap<string, string>;
}

/** All of it: the control plane, the tasks, and what looks after them. */
export class VirtualParticipantStack extends Stack {
  constructor(scope: Construct, id: string, { settings, resolvers }: VirtualParticipantStackProps) {
    super(scope, id, { description: 'Virtual participants for Amazon IVS Real-Time stages' });
    const tables = new Tables(this, settings);
    const api = new Api(this, { settings, tables, code: resolvers });
    const assets = new AssetBucket(this, settings);
    const stageKey = new StageKey(this, settings);
    const service = new Service(this, {
      settings,
      api,
      assets,
      stageKey: stageKey.secret,
      after: [stageKey.firstKey, api],
    });
    const rotation = stageKey.rotateFor(service);
    const pool = new Pool(this, { settings, table: tables.virtualParticipants, service });
    const events = new StatusEvents(this, tables.virtualParticipants);
    new Observability(this, { settings, api, service, pool, events, rotation });

    const outputs = {
      GraphqlApiUrl: api.api.graphqlUrl,
      Region: this.region,
      CallerPolicyArn: api.callerPolicy.managedPolicyArn,
      AssetBucket: assets.bucket.bucketName,
      Cluster: service.cluster.clusterName,
      Service: service.service.serviceName,
      TableName: tables.virtualParticipants.tableName,
      ...(api.api.apiKey !== undefined && { ApiKey: api.api.apiKey }),
    };
    // In a scope of their own: a construct and an output may have the same name.
    const scopeOfOutputs = new Construct(this, 'Outputs');
    for (const [name, value] of Object.entries(outputs)) {
      new CfnOutput(scopeOfOutputs, name, { value }).overrideLogicalId(name);
    }
  }
}
