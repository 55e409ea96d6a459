import '../../../local/quiet-aws-sdk.ts';

import { createPrivateKey } from 'node:crypto';
import { inspect } from 'node:util';
import { jest } from '@jest/globals';
import { readConfig } from '../../../../server/config.ts';
import { signToken } from '../../../../server/ivs/sign.ts';
import { type LocalEcs, startEcs } from '../../../local/ecs.ts';
import { type LocalStage, offer, startLocalStage } from '../../../local/stage/testing/local-stage.ts';
import { handler as firstKey } from '../first-key.ts';
import { handler as rotate } from '../rotation.ts';
import { type LocalSecretsManager, SECRET_ARN, startSecretsManager } from './secrets-manager.ts';

export const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'] as const;

/** The three services that the functions call, on loopback, and what a person sees of them. */
export interface LocalAws {
  readonly secrets: LocalSecretsManager;
  readonly stage: LocalStage;
  readonly ecs: LocalEcs;
  /** Everything that the functions logged or threw, as a log would show it. */
  readonly told: string[];
  step(step: string, versionId: string): Promise<void>;
  /** All four steps; after each `then` is called. Gives the version's id. */
  rotate(then?: (step: string) => Promise<void>): Promise<string>;
  firstKey(event: object): ReturnType<typeof firstKey>;
  publicKeys(): Promise<{ arn: string; name: string; tags: Record<string, string> }[]>;
  /** The status with which the stage answers who joins with a token that the server signs with this value of the secret. */
  join(value: string | null): Promise<number>;
  close(): Promise<void>;
}

export async function startLocalAws(): Promise<LocalAws> {
  const [secrets, stage, ecs] = await Promise.all([startSecretsManager(), startLocalStage(), startEcs()]);
  ecs.services.set('vp/vp-pool', { desiredCount: 3, status: 'ACTIVE' });
  const before = { ...process.env };
  Object.assign(process.env, {
    AWS_REGION: 'us-west-2',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.url,
    AWS_ENDPOINT_URL_IVS_REALTIME: stage.url,
    AWS_ENDPOINT_URL_ECS: ecs.url,
    SECRET_ARN,
    CLUSTER: 'vp',
    SERVICE: 'vp-pool',
    KEY_NAME_PREFIX: 'vp',
  });
  const told: string[] = [];
  const log = jest.spyOn(console, 'log').mockImplementation((line) => void told.push(String(line)));

  async function heard<T>(run: Promise<T>): Promise<T> {
    try {
      return await run;
    } catch (error) {
      told.push(inspect(error, { depth: 10, showHidden: true }));
      throw error;
    }
  }

  const step: LocalAws['step'] = (name, versionId) =>
    heard(rotate({ SecretId: SECRET_ARN, ClientRequestToken: versionId, Step: name as (typeof STEPS)[number] }));

  return {
    secrets,
    stage,
    ecs,
    told,
    step,
    async rotate(then = async () => undefined) {
      const versionId = secrets.beginRotation();
      for (const name of STEPS) {
        await step(name, versionId);
        await then(name);
      }
      return versionId;
    },
    firstKey: (event) => heard(firstKey(event as Parameters<typeof firstKey>[0])),
    async publicKeys() {
      type Answer = { publicKeys: Awaited<ReturnType<LocalAws['publicKeys']>> };
      return (await stage.call<Answer>('ListPublicKeys', {})).publicKeys;
    },
    async join(value) {
      const { publicKeyArn, privateKey } = JSON.parse(value ?? '{}') as Record<string, string>;
      // As ECS gives them to the server, and as the server reads them.
      const { stageKeyPair } = readConfig(
        { STAGE_PUBLIC_KEY_ARN: publicKeyArn, STAGE_PRIVATE_KEY: privateKey },
        { invites: false },
      );
      if (stageKeyPair === null) throw new Error('The secret holds no key pair.');
      const tokenStage = {
        arn: stage.arn,
        id: stage.arn.split('/')[1] ?? '',
        eventsUrl: `${stage.url.replace('http', 'ws')}/events`,
        whipUrl: `${stage.url}/whip`,
      };
      const { participantToken } = await signToken(stageKeyPair, tokenStage, { userId: 'vp', attributes: {} });
      return (await offer(stage, '/whip', participantToken)).status;
    },
    async close() {
      log.mockRestore();
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
      Object.assign(process.env, before);
      await Promise.all([secrets.close(), stage.close(), ecs.close()]);
    },
  };
}

/** The parts of a private key by which it would be known in any text. */
export function tracesOf(value: string): string[] {
  const { privateKey } = JSON.parse(value) as { privateKey: string };
  const jwk = createPrivateKey(privateKey).export({ format: 'jwk' });
  const lines = privateKey.split('\n').filter((line) => line !== '' && !line.startsWith('-----'));
  return [...lines, String(jwk.d), 'PRIVATE KEY'];
}
