import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import type { Target } from './options.ts';

/**
 * Reads from the stack's outputs where everything is.
 *
 * @throws {Error} that names the outputs that are missing, or what CloudFormation answered
 */
export async function readOutputs(stackName: string, region: string, abortSignal: AbortSignal): Promise<Target> {
  const client = new CloudFormationClient({ region });
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: stackName }), { abortSignal });
    const outputs = new Map(Stacks?.[0]?.Outputs?.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue]));
    const needed = ['GraphqlApiUrl', 'AssetBucket', 'Cluster', 'Service'] as const;
    const missing = needed.filter((name) => !outputs.get(name));
    if (missing.length > 0) throw new Error(`The stack ${stackName} has no output ${missing.join(', ')}.`);
    const output = (name: (typeof needed)[number]) => outputs.get(name) ?? '';
    return {
      region,
      graphqlApiUrl: output('GraphqlApiUrl'),
      apiKey: outputs.get('ApiKey') ?? null,
      assetBucket: output('AssetBucket'),
      service: { cluster: output('Cluster'), name: output('Service') },
    };
  } finally {
    client.destroy();
  }
}
