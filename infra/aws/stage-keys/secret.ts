import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  ResourceNotFoundException,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { parseStageKeys, type StageKeys } from './key-pair.ts';

/** The label of a version of a secret, as Secrets Manager calls it. */
export type Stage = 'AWSCURRENT' | 'AWSPENDING' | 'AWSPREVIOUS';

export interface SecretState {
  readonly isRotated: boolean;
  stagesOf(versionId: string): readonly string[];
  /** `null`: no version bears this label. */
  versionAt(stage: Stage): string | null;
}

/** The secret of a stage key pair. A version of it can be written once, and never be changed ("PutSecretValue"). */
export interface StageKeySecret {
  describe(): Promise<SecretState>;
  /** `null`: the version is not there, is empty, or holds no key pair. */
  read(versionId: string): Promise<StageKeys | null>;
  write(versionId: string, keys: StageKeys, stage: Stage): Promise<void>;
  /** Moves AWSCURRENT; Secrets Manager moves AWSPREVIOUS to the version that had it. */
  makeCurrent(versionId: string, instead: string | null): Promise<void>;
  /** Takes AWSPENDING off, so that the next rotation begins with a new version. */
  giveUp(versionId: string): Promise<void>;
  close(): void;
}

export function openSecret(arn: string): StageKeySecret {
  const client = new SecretsManagerClient({});
  const SecretId = arn;
  return {
    async describe() {
      const { RotationEnabled = false, VersionIdsToStages = {} } = await client.send(
        new DescribeSecretCommand({ SecretId }),
      );
      return {
        isRotated: RotationEnabled,
        stagesOf: (versionId) => VersionIdsToStages[versionId] ?? [],
        versionAt: (stage) =>
          Object.entries(VersionIdsToStages).find(([, stages]) => stages.includes(stage))?.[0] ?? null,
      };
    },

    async read(VersionId) {
      try {
        const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId, VersionId }));
        return parseStageKeys(SecretString ?? null);
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return null;
        throw error;
      }
    },

    async write(ClientRequestToken, keys, stage) {
      const SecretString = JSON.stringify(keys);
      await client.send(
        new PutSecretValueCommand({ SecretId, ClientRequestToken, SecretString, VersionStages: [stage] }),
      );
    },

    async makeCurrent(MoveToVersionId, instead) {
      await client.send(
        new UpdateSecretVersionStageCommand({
          SecretId,
          VersionStage: 'AWSCURRENT',
          MoveToVersionId,
          ...(instead !== null && { RemoveFromVersionId: instead }),
        }),
      );
    },

    async giveUp(RemoveFromVersionId) {
      await client.send(
        new UpdateSecretVersionStageCommand({ SecretId, VersionStage: 'AWSPENDING', RemoveFromVersionId }),
      );
    },

    close: () => client.destroy(),
  };
}
