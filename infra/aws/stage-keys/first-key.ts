import type { CloudFormationCustomResourceEvent } from 'aws-lambda';
import { required, requiredKeyNamePrefix } from './environment.ts';
import { type IvsKeys, openIvsKeys } from './ivs-keys.ts';
import { writeNewVersion } from './new-version.ts';
import { signsFor } from './proof.ts';
import { openSecret, type StageKeySecret } from './secret.ts';

/** What the CDK's custom resource provider makes of it. */
export interface FirstKeyAnswer {
  /** The ARN of the secret, so that the keys of a secret that was replaced are found when its resource is deleted. */
  readonly PhysicalResourceId: string;
  readonly Data: { readonly PublicKeyArn?: string };
}

/**
 * A custom resource (`onEvent` of the CDK's `Provider`) that sees to it that the secret holds a key pair before a task
 * reads it, and that nothing stays in IVS when the stack is gone.
 *
 * Create, Update: makes the first key pair, unless the secret holds one that works. Delete: deletes the secret's public
 * keys from IVS; whoever holds a private key can then sign nothing more that IVS accepts.
 *
 * Environment: `SECRET_ARN`, `KEY_NAME_PREFIX`.
 *
 * @throws {Error} what AWS answered; never with a key in it
 */
export async function handler(event: CloudFormationCustomResourceEvent): Promise<FirstKeyAnswer> {
  const secretArn = event.RequestType === 'Delete' ? event.PhysicalResourceId : required('SECRET_ARN');
  const secret = openSecret(secretArn);
  const ivsKeys = openIvsKeys(secretArn, requiredKeyNamePrefix());
  try {
    if (event.RequestType === 'Delete') {
      await ivsKeys.deleteAllBut([]);
      return { PhysicalResourceId: secretArn, Data: {} };
    }
    const PublicKeyArn =
      (await workingKey(secret, ivsKeys)) ??
      // CloudFormation's id of the request: a repeat of this call writes no second version.
      (await writeNewVersion(secret, ivsKeys, event.RequestId, 'AWSCURRENT'));
    return { PhysicalResourceId: secretArn, Data: { PublicKeyArn } };
  } finally {
    secret.close();
    ivsKeys.close();
  }
}

async function workingKey(secret: StageKeySecret, ivsKeys: IvsKeys): Promise<string | null> {
  const versionId = (await secret.describe()).versionAt('AWSCURRENT');
  const keys = versionId === null ? null : await secret.read(versionId);
  const publicKey = keys === null ? null : await ivsKeys.read(keys.publicKeyArn);
  if (keys === null || publicKey === null) return null;
  return (await signsFor(publicKey, keys)) ? keys.publicKeyArn : null;
}
