import {
  DeletePublicKeyCommand,
  GetPublicKeyCommand,
  ImportPublicKeyCommand,
  IVSRealTimeClient,
  paginateListPublicKeys,
  ResourceNotFoundException,
  ServiceQuotaExceededException,
} from '@aws-sdk/client-ivs-realtime';

/** The tag by which the public keys of one secret are told from all others of the account; its value is the secret's ARN. */
export const SECRET_TAG = 'stage-key-secret';

/** IVS takes 3 calls a second for public keys ("Service Quotas, Real-Time Streaming"): the SDK waits and asks again. */
const MAX_ATTEMPTS = 6;

/** The public keys of one secret in IVS. */
export interface IvsKeys {
  /**
   * Imports a public key (PEM) and gives its ARN. The name tells people which version of the secret it belongs to.
   *
   * @throws {Error} that says what to do, if IVS takes no more of them
   */
  import(publicKey: string, versionId: string): Promise<string>;
  /** The public key (PEM) as IVS holds it. `null`: it holds none with this ARN. */
  read(arn: string): Promise<string | null>;
  /** Deletes one; a success also when it is gone already. */
  delete(arn: string): Promise<void>;
  /** Deletes those of this secret that are not named, and gives their ARNs. */
  deleteAllBut(arns: readonly string[]): Promise<string[]>;
  close(): void;
}

export function openIvsKeys(secretArn: string, namePrefix: string): IvsKeys {
  const client = new IVSRealTimeClient({ maxAttempts: MAX_ATTEMPTS });

  async function remove(arn: string): Promise<void> {
    try {
      await client.send(new DeletePublicKeyCommand({ arn }));
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error;
    }
  }

  return {
    async import(publicKeyMaterial, versionId) {
      const command = new ImportPublicKeyCommand({
        publicKeyMaterial,
        name: `${namePrefix}-${versionId}`,
        tags: { [SECRET_TAG]: secretArn },
      });
      const { publicKey } = await client.send(command).catch(explainQuota);
      if (publicKey?.arn === undefined) throw new Error('IVS imported the public key and named no ARN.');
      return publicKey.arn;
    },

    async read(arn) {
      try {
        return (await client.send(new GetPublicKeyCommand({ arn }))).publicKey?.publicKeyMaterial ?? null;
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return null;
        throw error;
      }
    },

    delete: remove,

    async deleteAllBut(arns) {
      const deleted: string[] = [];
      for await (const { publicKeys = [] } of paginateListPublicKeys({ client }, {})) {
        for (const { arn, tags } of publicKeys) {
          if (arn !== undefined && tags?.[SECRET_TAG] === secretArn && !arns.includes(arn)) deleted.push(arn);
        }
      }
      for (const arn of deleted) await remove(arn);
      return deleted;
    },

    close: () => client.destroy(),
  };
}

/** 3 public keys for each account and region ("Service Quotas, Real-Time Streaming"); a rotation needs all of them. */
function explainQuota(error: unknown): never {
  if (!(error instanceof ServiceQuotaExceededException)) throw error;
  throw new Error(
    'IVS takes no more public keys in this account and region. A rotation needs room for three: delete those that ' +
      'nobody signs with (aws ivs-realtime list-public-keys), or ask AWS for a higher quota.',
    { cause: error },
  );
}
