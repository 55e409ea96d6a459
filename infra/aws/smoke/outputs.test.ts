import '../../local/quiet-aws-sdk.ts';

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readOutputs } from './outputs.ts';

let server: Server;
let outputs: Record<string, string>;
const before = { ...process.env };

/** CloudFormation's answer, in the XML of the AWS query protocol ("DescribeStacks"). */
const answer = () => `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>vp</StackName><Outputs>
${Object.entries(outputs)
  .map(([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`)
  .join('\n')}
</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`;

beforeEach(async () => {
  outputs = { GraphqlApiUrl: 'https://api/graphql', AssetBucket: 'assets', Cluster: 'cluster', Service: 'pool' };
  server = createServer((_request, response) => response.end(answer()));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  process.env['AWS_ENDPOINT_URL_CLOUDFORMATION'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' });
});
afterEach(async () => {
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const read = () => readOutputs('vp', 'eu-west-1', AbortSignal.timeout(5_000));

describe("The stack's outputs", () => {
  test('say where everything is, and the API key where there is one', async () => {
    const target = {
      region: 'eu-west-1',
      graphqlApiUrl: 'https://api/graphql',
      apiKey: null as string | null,
      assetBucket: 'assets',
      service: { cluster: 'cluster', name: 'pool' },
    };
    expect(await read()).toEqual(target);
    outputs['ApiKey'] = 'da2-key';
    expect(await read()).toEqual({ ...target, apiKey: 'da2-key' });
  });

  test('that are missing are named', async () => {
    outputs = { Cluster: 'cluster', Service: 'pool' };
    await expect(read()).rejects.toThrow('The stack vp has no output GraphqlApiUrl, AssetBucket.');
  });
});
