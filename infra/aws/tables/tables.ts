import { AttributeType, Billing, ProjectionType, StreamViewType, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { RemovalPolicy } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { TABLES } from '../../resolvers/manifest.ts';
import type { Settings } from '../settings.ts';

/** Both tables of the control plane, as `infra/resolvers/manifest.ts` describes them. */
export class Tables extends Construct {
  /** The records, one for each virtual participant. Its stream tells the pool and EventBridge of every change. */
  readonly virtualParticipants: TableV2;
  /** Which `clientToken` got which invite, for 24 hours. */
  readonly inviteTokens: TableV2;

  constructor(scope: Construct, { keepData }: Pick<Settings, 'keepData'>) {
    super(scope, 'Tables');
    const common = {
      billing: Billing.onDemand(),
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: keepData,
      removalPolicy: keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    };
    const { virtualParticipants, inviteTokens } = TABLES;
    this.virtualParticipants = new TableV2(this, 'VirtualParticipants', {
      ...common,
      partitionKey: { name: virtualParticipants.partitionKey, type: AttributeType.STRING },
      globalSecondaryIndexes: [
        {
          indexName: virtualParticipants.index.name,
          partitionKey: { name: virtualParticipants.index.partitionKey, type: AttributeType.STRING },
          sortKey: { name: virtualParticipants.index.sortKey, type: AttributeType.NUMBER },
          projectionType: ProjectionType.ALL,
        },
      ],
      dynamoStream: StreamViewType.NEW_IMAGE,
      timeToLiveAttribute: virtualParticipants.timeToLive,
    });
    this.inviteTokens = new TableV2(this, 'InviteTokens', {
      ...common,
      partitionKey: { name: inviteTokens.partitionKey, type: AttributeType.STRING },
      timeToLiveAttribute: inviteTokens.timeToLive,
    });
  }
}
