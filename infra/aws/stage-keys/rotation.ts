import { ECSClient, UpdateServiceCommand } from '@aws-sdk/client-ecs';
import type { SecretsManagerRotationEvent } from 'aws-lambda';
import { required, requiredKeyNamePrefix } from './environment.ts';
import { type IvsKeys, openIvsKeys } from './ivs-keys.ts';
import { writeNewVersion } from './new-version.ts';
import { signsFor } from './proof.ts';
import { openSecret, type SecretState, type StageKeySecret } from './secret.ts';

interface Rotation {
  readonly secretArn: string;
  readonly versionId: string;
  readonly state: SecretState;
  readonly secret: StageKeySecret;
  readonly ivsKeys: IvsKeys;
}

/**
 * Rotates the stage key pair: a rotation function of Secrets Manager ("Lambda rotation functions"), called once for each
 * step. Every step may be repeated, and a rotation that failed goes on where it was. The key that was current stays
 * imported until the next rotation, as tasks that have it go on signing until they are replaced.
 *
 * Environment: `CLUSTER` and `SERVICE`, whose tasks hold the key; `KEY_NAME_PREFIX`.
 *
 * @throws {Error} that names the secret's version and what was expected; never with a key in it
 */
export async function handler({ SecretId, ClientRequestToken, Step }: SecretsManagerRotationEvent): Promise<void> {
  const run = STEPS[Step];
  if (run === undefined) {
    throw new Error(`The step is ${JSON.stringify(Step)}; expected one of ${Object.keys(STEPS).join(', ')}.`);
  }
  const secret = openSecret(SecretId);
  const ivsKeys = openIvsKeys(SecretId, requiredKeyNamePrefix());
  try {
    const state = await secret.describe();
    expectToRotate(state, SecretId, ClientRequestToken);
    const told = await run({ secretArn: SecretId, versionId: ClientRequestToken, state, secret, ivsKeys });
    console.log(JSON.stringify({ step: Step, secret: SecretId, version: ClientRequestToken, ...told }));
  } finally {
    secret.close();
    ivsKeys.close();
  }
}

/** What each step does; it gives what is logged. */
const STEPS: Readonly<Record<string, (rotation: Rotation) => Promise<object>>> = {
  async createSecret({ secret, ivsKeys, versionId }) {
    const keys = await secret.read(versionId);
    return { publicKeyArn: keys?.publicKeyArn ?? (await writeNewVersion(secret, ivsKeys, versionId, 'AWSPENDING')) };
  },

  async setSecret(rotation) {
    return { publicKeyArn: (await importedKeys(rotation)).keys.publicKeyArn };
  },

  async testSecret(rotation) {
    const { keys, publicKey } = await importedKeys(rotation);
    if (await signsFor(publicKey, keys)) return { publicKeyArn: keys.publicKeyArn };
    return giveUp(rotation, `IVS holds another public key as ${keys.publicKeyArn} than that of the private key`);
  },

  async finishSecret(rotation) {
    const { secret, ivsKeys, versionId, state } = rotation;
    const { keys } = await importedKeys(rotation);
    const isDone = state.stagesOf(versionId).includes('AWSCURRENT');
    const replaced = state.versionAt(isDone ? 'AWSPREVIOUS' : 'AWSCURRENT');
    if (!isDone) await secret.makeCurrent(versionId, replaced);
    await replaceTasks();
    const previous = replaced === null ? null : await secret.read(replaced);
    const kept = [keys.publicKeyArn, ...(previous === null ? [] : [previous.publicKeyArn])];
    return { kept, deleted: await ivsKeys.deleteAllBut(kept) };
  },
};

function expectToRotate(state: SecretState, secretArn: string, versionId: string): void {
  if (!state.isRotated) throw new Error(`Rotation of ${secretArn} is not enabled.`);
  const stages = state.stagesOf(versionId);
  if (stages.includes('AWSPENDING') || stages.includes('AWSCURRENT')) return;
  throw new Error(
    `Version ${versionId} of ${secretArn} is labelled ${stages.join(', ') || 'nothing'}; expected AWSPENDING.`,
  );
}

/** The key pair of the version, and its public half as IVS holds it. */
async function importedKeys(rotation: Rotation) {
  const keys = await rotation.secret.read(rotation.versionId);
  if (keys === null) return giveUp(rotation, 'it holds no key pair');
  const publicKey = await rotation.ivsKeys.read(keys.publicKeyArn);
  if (publicKey === null) return giveUp(rotation, `IVS does not hold its public key ${keys.publicKeyArn}`);
  return { keys, publicKey };
}

/** A version cannot be mended, as it cannot be changed. It would stand in the way of every later rotation. */
async function giveUp({ secret, secretArn, versionId, state }: Rotation, why: string): Promise<never> {
  const isPending = !state.stagesOf(versionId).includes('AWSCURRENT');
  if (isPending) await secret.giveUp(versionId);
  const next = isPending ? 'It was given up; the next rotation makes a new one' : 'Rotate the secret once more';
  throw new Error(`Version ${versionId} of ${secretArn} is of no use: ${why}. ${next}.`);
}

/** Has ECS replace the tasks, which read the secret when they start. How many there are is not decided here. */
async function replaceTasks(): Promise<void> {
  const ecs = new ECSClient({});
  try {
    await ecs.send(
      new UpdateServiceCommand({
        cluster: required('CLUSTER'),
        service: required('SERVICE'),
        forceNewDeployment: true,
      }),
    );
  } finally {
    ecs.destroy();
  }
}
