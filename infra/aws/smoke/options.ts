import { parseArgs } from 'node:util';

export const USAGE = `npx tsx infra/aws/smoke.ts [options]
  Invites, watches and kicks a deployed virtual participant, and looks at every part of the stack that had a hand in it.
  Credentials and endpoints come from the environment, as for any AWS SDK.

  --stack NAME             whose outputs say where everything is (default VirtualParticipant)
  --region NAME            default: AWS_REGION
  --available-within S     how long to wait for one that is free (default 180)
  --stage-arn ARN          a stage of yours to invite to, for tasks that may join no other (default: one made for this)
  --caller-role ARN        role to call the GraphQL API as, which has the stack's caller policy and no other
  --skip-pool              leave ECS out
  --skip-asset             leave S3 out

  In place of the stack's outputs, for another deployment: then what is not named is left out.
  --graphql-api-url URL    --api-key KEY    --asset-bucket NAME    --cluster NAME    --service NAME`;

/** Where the parts of a deployment are. `null`: it has none, or was told to leave it out. */
export interface Target {
  readonly region: string;
  readonly graphqlApiUrl: string;
  /** By which nobody may register; only for the check that this is so. */
  readonly apiKey: string | null;
  readonly assetBucket: string | null;
  readonly service: { readonly cluster: string; readonly name: string } | null;
}

export interface Options {
  readonly stack: string;
  readonly region: string;
  readonly availableWithinMs: number;
  /** `null`: one is made and deleted. */
  readonly stageArn: string | null;
  readonly callerRole: string | null;
  readonly skipPool: boolean;
  readonly skipAsset: boolean;
  /** `null`: the stack's outputs say where everything is. */
  readonly target: Target | null;
}

/** @throws {Error} that names the option and what was expected */
export function readOptions(args: readonly string[], env: NodeJS.ProcessEnv): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      stack: { type: 'string', default: 'VirtualParticipant' },
      region: { type: 'string', default: env['AWS_REGION'] ?? '' },
      'available-within': { type: 'string', default: '180' },
      'stage-arn': { type: 'string' },
      'caller-role': { type: 'string' },
      'skip-pool': { type: 'boolean', default: false },
      'skip-asset': { type: 'boolean', default: false },
      'graphql-api-url': { type: 'string' },
      'api-key': { type: 'string' },
      'asset-bucket': { type: 'string' },
      cluster: { type: 'string' },
      service: { type: 'string' },
    },
  });
  const { region, cluster, service } = values;
  if (region === '') throw new Error('--region: expected the region of the stack, or AWS_REGION.');
  const seconds = Number(values['available-within']);
  if (!(seconds > 0)) throw new Error(`--available-within: expected seconds, got "${values['available-within']}".`);
  if ((cluster === undefined) !== (service === undefined))
    throw new Error('--cluster, --service: expected both or none.');
  const url = values['graphql-api-url'];
  const others = ['api-key', 'asset-bucket', 'cluster', 'service'] as const;
  const astray = others.find((name) => url === undefined && values[name] !== undefined);
  if (astray !== undefined) throw new Error(`--${astray}: expected --graphql-api-url too, or else none of these.`);
  return {
    stack: values.stack,
    region,
    availableWithinMs: seconds * 1_000,
    stageArn: values['stage-arn'] ?? null,
    callerRole: values['caller-role'] ?? null,
    skipPool: values['skip-pool'],
    skipAsset: values['skip-asset'],
    target:
      url === undefined
        ? null
        : {
            region,
            graphqlApiUrl: url,
            apiKey: values['api-key'] ?? null,
            assetBucket: values['asset-bucket'] ?? null,
            service: cluster === undefined || service === undefined ? null : { cluster, name: service },
          },
  };
}
