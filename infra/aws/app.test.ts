import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Stack } from 'aws-cdk-lib/core';
import { app } from './testing/synthesized.ts';

afterEach(() => {
  delete process.env['CDK_VALIDATION'];
});

it('The app passes cdk-nag, with and without an API key, and the schemas of CloudFormation', async () => {
  const plain = await app();
  const { stacks } = (await app({ apiKey: 'true', alarmEmail: 'me@example.com' })).synth();
  expect(stacks.map(({ stackName }) => stackName)).toEqual(['VirtualParticipant']);
  process.env['CDK_VALIDATION'] = 'false';
  expect(() => plain.synth()).not.toThrow();
}, 120_000);

it('What cdk-nag finds and nobody has given a reason for fails the synthesis', async () => {
  process.env['CDK_VALIDATION'] = 'false';
  const careless = await app();
  const [stack] = careless.node.children.filter((child) => Stack.isStack(child));
  if (stack !== undefined) new Bucket(stack, 'Careless');
  expect(() => careless.synth()).toThrow('AwsSolutions-S10');
});

it('A wrong setting is named before anything is built', async () => {
  await expect(app({ maxTasks: 'all' })).rejects.toThrow('maxTasks is "all"; expected a whole number from 1 to 5000.');
});

it('The outputs are those that people and scripts look for', async () => {
  process.env['CDK_VALIDATION'] = 'false';
  const outputsOf = async (settings: Record<string, string>) => {
    const [stack] = (await app(settings)).synth().stacks;
    return Object.keys(stack?.template.Outputs ?? {});
  };
  const always = ['GraphqlApiUrl', 'Region', 'CallerPolicyArn', 'AssetBucket', 'Cluster', 'Service', 'TableName'];
  expect(await outputsOf({})).toEqual(always);
  expect(await outputsOf({ apiKey: 'true' })).toEqual([...always, 'ApiKey']);
});
