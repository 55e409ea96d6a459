import { readOptions } from './options.ts';

const read = (...args: string[]) => readOptions(args, { AWS_REGION: 'eu-west-1' });

describe('The options', () => {
  test('are those of the stack VirtualParticipant in AWS_REGION when none is given', () => {
    expect(read()).toEqual({
      stack: 'VirtualParticipant',
      region: 'eu-west-1',
      availableWithinMs: 180_000,
      stageArn: null,
      callerRole: null,
      skipPool: false,
      skipAsset: false,
      target: null,
    });
  });

  test('name another deployment in place of a stack', () => {
    expect(read('--region', 'us-east-1', '--graphql-api-url', 'http://127.0.0.1:4000/graphql').target).toEqual({
      region: 'us-east-1',
      graphqlApiUrl: 'http://127.0.0.1:4000/graphql',
      apiKey: null,
      assetBucket: null,
      service: null,
    });
    expect(read('--graphql-api-url', 'u', '--cluster', 'c', '--service', 's').target?.service).toEqual({
      cluster: 'c',
      name: 's',
    });
  });

  test.each([
    [['--region', ''], '--region: expected the region of the stack, or AWS_REGION.'],
    [['--available-within', 'soon'], '--available-within: expected seconds, got "soon".'],
    [['--graphql-api-url', 'u', '--cluster', 'c'], '--cluster, --service: expected both or none.'],
    [['--asset-bucket', 'b'], '--asset-bucket: expected --graphql-api-url too, or else none of these.'],
    [['--stak', 's'], "Unknown option '--stak'"],
  ])('%j are refused by name', (args, message) => {
    expect(() => read(...args)).toThrow(message);
  });
});
