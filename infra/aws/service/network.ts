import {
  GatewayVpcEndpointAwsService,
  IpAddresses,
  type ISubnet,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  Subnet,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { Fn, Validations } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { Settings } from '../settings.ts';

/**
 * Where the tasks run: public subnets, a public address for each task, and nothing that may come in.
 *
 * There is no NAT gateway. A virtual participant sends up to 2.5 Mbit/s, which is 1.1 GB an hour: at $0.045 a GB a NAT
 * gateway would take $0.05 for it, as much as the task itself, and $0.045 an hour for each zone besides (us-east-1, list
 * prices of November 2026). A public IPv4 address takes $0.005 an hour.
 */
export class Network extends Construct {
  readonly vpc: IVpc;
  readonly subnets: ISubnet[];
  readonly securityGroup: SecurityGroup;

  constructor(scope: Construct, settings: Pick<Settings, 'vpcId' | 'publicSubnetIds'>) {
    super(scope, 'Network');
    const { vpcId, publicSubnetIds } = settings;
    this.vpc = vpcId === null ? (this.#made() as IVpc) : this.#existing(vpcId, publicSubnetIds ?? []);
    this.subnets =
      publicSubnetIds === null
        ? this.vpc.publicSubnets
        : publicSubnetIds.map((id, index) => Subnet.fromSubnetId(this, `PublicSubnet${index + 1}`, id));
    this.securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc: this.vpc,
      description: 'Virtual participants: nothing comes in',
      allowAllOutbound: false,
    });
    this.securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'AWS APIs, the image, events of the stage');
    this.securityGroup.addEgressRule(
      Peer.anyIpv4(),
      Port.allUdp(),
      'Media to the stage, whose hosts and ports IVS chooses',
    );
  }

  #made(): Vpc {
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr('10.0.0.0/16'),
      maxAzs: 2,
      natGateways: 0,
      // /20: 4,091 tasks in each zone.
      subnetConfiguration: [
        { name: 'Public', subnetType: SubnetType.PUBLIC, cidrMask: 20, mapPublicIpOnLaunch: false },
      ],
      // Free, and the image and the assets then do not leave by public addresses.
      gatewayEndpoints: { S3: { service: GatewayVpcEndpointAwsService.S3 } },
    });
    Validations.of(vpc).acknowledge({
      id: 'AwsSolutions-VPC7',
      reason:
        'Flow logs would hold encrypted media that goes to IVS and the refused scans of the internet; nothing may come in, and there is nothing in the VPC besides the tasks.',
    });
    return vpc;
  }

  #existing(vpcId: string, publicSubnetIds: readonly string[]): IVpc {
    return Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId,
      // Which zones the subnets are in is not known without asking AWS, and nothing here depends on it.
      availabilityZones: publicSubnetIds.map((_, index) => Fn.select(index, Fn.getAzs())),
      publicSubnetIds: [...publicSubnetIds],
    });
  }
}
