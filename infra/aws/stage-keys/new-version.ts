import type { IvsKeys } from './ivs-keys.ts';
import { makeKeyPair } from './key-pair.ts';
import type { Stage, StageKeySecret } from './secret.ts';

const LABELS = ['AWSCURRENT', 'AWSPENDING', 'AWSPREVIOUS'] as const;

/**
 * Makes a key pair, imports its public half and writes both as a new version of the secret, in that order: a version
 * cannot be changed once it is written, and the ARN is known only after the import. What an earlier attempt imported and
 * did not write is deleted first, so that at most one key more than those of the secret's versions is there.
 *
 * @returns the ARN of the public key
 * @throws {Error} what AWS answered; the public key that was imported is then deleted again
 */
export async function writeNewVersion(
  secret: StageKeySecret,
  ivsKeys: IvsKeys,
  versionId: string,
  stage: Stage,
): Promise<string> {
  await ivsKeys.deleteAllBut(await arnsInUse(secret));
  const { publicKey, privateKey } = makeKeyPair();
  const publicKeyArn = await ivsKeys.import(publicKey, versionId);
  try {
    await secret.write(versionId, { publicKeyArn, privateKey }, stage);
  } catch (error) {
    // The import would count against the quota of 3, and its private half is lost. A failure of this is made good by
    // the next attempt, and must not hide the first.
    await ivsKeys.delete(publicKeyArn).catch(() => undefined);
    throw error;
  }
  return publicKeyArn;
}

async function arnsInUse(secret: StageKeySecret): Promise<string[]> {
  const state = await secret.describe();
  const arns: string[] = [];
  for (const label of LABELS) {
    const versionId = state.versionAt(label);
    const keys = versionId === null ? null : await secret.read(versionId);
    if (keys !== null) arns.push(keys.publicKeyArn);
  }
  return arns;
}
