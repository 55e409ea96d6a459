import { randomUUID } from 'node:crypto';
import { type Input, type JsonService, ServiceError, startJsonService } from '../../../local/json-service.ts';

export const SECRET_ARN = 'arn:aws:secretsmanager:us-west-2:123456789012:secret:stage-keys-AbCdEf';

/** One secret as Secrets Manager keeps it: its API's documentation is the source of each rule here. */
export interface LocalSecretsManager extends JsonService {
  isRotated: boolean;
  /** Begins a rotation, or goes on with the one that has not ended; gives the id of its version. */
  beginRotation(): string;
  /** What the version with this label holds. */
  valueAt(stage: string): string | null;
  /** Versions that have a label, oldest first, and their labels. */
  versions(): Record<string, string[]>;
  /** Writes a version as a person or CloudFormation does. Default: a new one, that becomes the current one. */
  put(value: string, versionId?: string): void;
}

export async function startSecretsManager(): Promise<LocalSecretsManager> {
  const values = new Map<string, string | null>();
  const labels = new Map<string, string>();

  const stagesOf = (versionId: string) => [...labels].filter(([, id]) => id === versionId).map(([label]) => label);

  function moveLabel(label: string, versionId: string): void {
    const before = labels.get(label);
    if (before === versionId) return;
    if (label === 'AWSCURRENT' && before !== undefined) labels.set('AWSPREVIOUS', before);
    labels.set(label, versionId);
    if (label === 'AWSCURRENT' && labels.get('AWSPREVIOUS') === versionId) labels.delete('AWSPREVIOUS');
  }

  function put(versionId: string, value: string, stages: readonly string[]): void {
    const there = values.get(versionId);
    if (typeof there === 'string' && there !== value) {
      throw new ServiceError('ResourceExistsException', `Version ${versionId} exists with another value.`);
    }
    const isFirst = ![...values.values()].some((one) => one !== null);
    values.set(versionId, value);
    for (const stage of isFirst ? new Set([...stages, 'AWSCURRENT']) : stages) moveLabel(stage, versionId);
  }

  const known = ({ SecretId }: Input) => {
    if (SecretId !== SECRET_ARN) throw new ServiceError('ResourceNotFoundException', `There is no secret ${SecretId}.`);
  };

  const service = await startJsonService({
    DescribeSecret(input) {
      known(input);
      return { ARN: SECRET_ARN, RotationEnabled: local.isRotated, VersionIdsToStages: local.versions() };
    },

    GetSecretValue(input) {
      known(input);
      const { VersionId, VersionStage } = input;
      const versionId = VersionId ?? labels.get(String(VersionStage ?? 'AWSCURRENT'));
      const value = values.get(String(versionId)) ?? null;
      if (value === null) throw new ServiceError('ResourceNotFoundException', 'The version is not there or is empty.');
      return { ARN: SECRET_ARN, VersionId: versionId, SecretString: value, VersionStages: stagesOf(String(versionId)) };
    },

    PutSecretValue(input) {
      known(input);
      const { ClientRequestToken, SecretString, VersionStages = ['AWSCURRENT'] } = input;
      const versionId = String(ClientRequestToken);
      if (versionId.length < 32 || versionId.length > 64) {
        throw new ServiceError('InvalidParameterException', 'ClientRequestToken: expected 32 to 64 characters.');
      }
      put(versionId, String(SecretString), VersionStages as string[]);
      return { ARN: SECRET_ARN, VersionId: versionId, VersionStages: stagesOf(versionId) };
    },

    UpdateSecretVersionStage(input) {
      known(input);
      const { VersionStage, MoveToVersionId, RemoveFromVersionId } = input;
      const label = String(VersionStage);
      if (labels.has(label) && labels.get(label) !== RemoveFromVersionId && labels.get(label) !== MoveToVersionId) {
        throw new ServiceError('InvalidParameterException', `RemoveFromVersionId: ${label} is on another version.`);
      }
      if (MoveToVersionId === undefined) labels.delete(label);
      else moveLabel(label, String(MoveToVersionId));
      return { ARN: SECRET_ARN };
    },
  });

  const local: LocalSecretsManager = {
    ...service,
    isRotated: true,
    beginRotation() {
      const pending = labels.get('AWSPENDING');
      if (pending !== undefined && pending !== labels.get('AWSCURRENT')) return pending;
      const versionId = randomUUID();
      values.set(versionId, null);
      labels.set('AWSPENDING', versionId);
      return versionId;
    },
    valueAt: (stage) => values.get(labels.get(stage) ?? '') ?? null,
    versions: () =>
      Object.fromEntries(
        [...values.keys()].map((id) => [id, stagesOf(id).sort()] as const).filter(([, stages]) => stages.length > 0),
      ),
    put(value, versionId) {
      if (versionId === undefined) put(randomUUID(), value, ['AWSCURRENT']);
      else put(versionId, value, []);
    },
  };
  return local;
}
