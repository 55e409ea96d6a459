import { DeletePublicKeyCommand, IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';
import { makeKeyPair } from './key-pair.ts';
import { type LocalAws, STEPS, startLocalAws, tracesOf } from './testing/aws.ts';
import { SECRET_ARN } from './testing/secrets-manager.ts';

const NEW_DEPLOYMENT = { cluster: 'vp', service: 'vp-pool', forceNewDeployment: true };

let aws: LocalAws;
/** Each value that the secret ever had. */
let values: string[];

const current = (): string => {
  const value = aws.secrets.valueAt('AWSCURRENT') ?? '';
  if (!values.includes(value)) values.push(value);
  return value;
};

beforeEach(async () => {
  aws = await startLocalAws();
  values = [];
  await aws.firstKey({ RequestType: 'Create', RequestId: '00000000-0000-4000-8000-000000000001' });
});

afterEach(async () => {
  current();
  const { told } = aws;
  await aws.close();
  expect(told.length).toBeGreaterThan(0);
  for (const trace of values.flatMap(tracesOf)) expect(told.filter((line) => line.includes(trace))).toEqual([]);
});

const arnOf = (value: string) => (JSON.parse(value) as { publicKeyArn: string }).publicKeyArn;
const importedArns = async () => (await aws.publicKeys()).map(({ arn }) => arn);

async function deleteByHand(arn: string): Promise<void> {
  const ivs = new IVSRealTimeClient({});
  await ivs.send(new DeletePublicKeyCommand({ arn }));
  ivs.destroy();
}

/** What is so after a step, for a look at whether a repeat changes anything. */
const state = async () => ({
  versions: aws.secrets.versions(),
  pending: aws.secrets.valueAt('AWSPENDING'),
  publicKeys: await aws.publicKeys(),
});

describe('A rotation', () => {
  test('gives a new key whose tokens are good, and leaves the old one good until the next', async () => {
    const first = current();
    const counts: Record<string, number> = {};
    const count = async (step: string) => {
      counts[step] = (await aws.publicKeys()).length;
    };
    await aws.rotate(count);
    const second = current();
    expect(second).not.toEqual(first);
    expect([await aws.join(first), await aws.join(second)]).toEqual([201, 201]);
    expect(counts).toEqual({ createSecret: 2, setSecret: 2, testSecret: 2, finishSecret: 2 });

    // The quota of 3 is the local stage's too: an import beyond it would fail here.
    await aws.rotate(count);
    const third = current();
    expect([await aws.join(first), await aws.join(second), await aws.join(third)]).toEqual([401, 201, 201]);
    expect(counts).toEqual({ createSecret: 3, setSecret: 3, testSecret: 3, finishSecret: 2 });
  });

  test('names its public key by the version and tags it with the secret', async () => {
    const versionId = await aws.rotate();
    expect((await aws.publicKeys()).at(-1)).toEqual({
      arn: arnOf(current()),
      name: `vp-${versionId}`,
      tags: { 'stage-key-secret': SECRET_ARN },
    });
  });

  test('has the tasks replaced after the new key is current, and never says how many there should be', async () => {
    const seen: number[] = [];
    await aws.rotate(async () => void seen.push(aws.ecs.calls.length));
    expect(seen).toEqual([0, 0, 0, 1]);
    expect(aws.ecs.calls).toEqual([{ operation: 'UpdateService', input: NEW_DEPLOYMENT }]);
    expect(aws.ecs.services.get('vp/vp-pool')?.desiredCount).toBe(3);
  });

  test('leaves public keys of others alone', async () => {
    const { publicKey } = await aws.stage.call<{ publicKey: { arn: string } }>('ImportPublicKey', {
      publicKeyMaterial: makeKeyPair().publicKey,
      tags: { 'stage-key-secret': `${SECRET_ARN}-of-another` },
    });
    await aws.rotate();
    expect(await importedArns()).toContain(publicKey.arn);
  });
});

describe('A step', () => {
  test('that is called twice changes nothing more', async () => {
    const versionId = aws.secrets.beginRotation();
    for (const step of STEPS) {
      await aws.step(step, versionId);
      const once = await state();
      await aws.step(step, versionId);
      expect(await state()).toEqual(once);
    }
    expect(aws.secrets.versions()[versionId]).toContain('AWSCURRENT');
  });

  test.each([
    ['createSecret', 'secrets', 'DescribeSecret', 'before'],
    ['createSecret', 'secrets', 'GetSecretValue', 'before'],
    ['createSecret', 'secrets', 'PutSecretValue', 'before'],
    ['finishSecret', 'secrets', 'UpdateSecretVersionStage', 'before'],
    ['finishSecret', 'secrets', 'UpdateSecretVersionStage', 'after'],
    ['finishSecret', 'ecs', 'UpdateService', 'before'],
    ['finishSecret', 'ecs', 'UpdateService', 'after'],
  ] as const)(
    '%s goes on when it is repeated after %s failed at %s, %s it was done',
    async (failing, service, operation, when) => {
      await aws.rotate();
      const old = current();
      const versionId = aws.secrets.beginRotation();
      for (const step of STEPS) {
        if (step === failing) {
          aws[service].fail(operation, when);
          await expect(aws.step(step, versionId)).rejects.toThrow(`${operation} was told to fail.`);
        }
        await aws.step(step, versionId);
      }
      expect(aws.secrets.versions()[versionId]).toContain('AWSCURRENT');
      expect(await importedArns()).toEqual([arnOf(old), arnOf(current())]);
      expect([await aws.join(old), await aws.join(current())]).toEqual([201, 201]);
      expect(aws.ecs.calls.at(-1)?.input).toEqual(NEW_DEPLOYMENT);
    },
  );

  test('createSecret deletes what it imported when the secret cannot be written', async () => {
    aws.secrets.fail('PutSecretValue', 'before');
    await expect(aws.step('createSecret', aws.secrets.beginRotation())).rejects.toThrow('was told to fail');
    expect(await importedArns()).toEqual([arnOf(current())]);
  });

  test('createSecret deletes what an attempt imported that ended before it could write the secret', async () => {
    // Current, previous and this one are three: without it gone there would be no room for another.
    await aws.rotate();
    await aws.stage.call('ImportPublicKey', {
      publicKeyMaterial: makeKeyPair().publicKey,
      tags: { 'stage-key-secret': SECRET_ARN },
    });
    await aws.rotate();
    expect((await aws.publicKeys()).length).toBe(2);
  });

  test('createSecret says what to do when IVS takes no more public keys, and changes nothing', async () => {
    for (const _ of [1, 2]) await aws.stage.call('ImportPublicKey', { publicKeyMaterial: makeKeyPair().publicKey });
    await expect(aws.step('createSecret', aws.secrets.beginRotation())).rejects.toThrow(
      /^IVS takes no more public keys in this account and region\. .*list-public-keys/,
    );
    expect(await aws.join(current())).toBe(201);
  });

  test.each(['setSecret', 'testSecret', 'finishSecret'])(
    '%s gives a version up whose public key is gone, and the next rotation makes a new one',
    async (step) => {
      const old = current();
      const versionId = aws.secrets.beginRotation();
      await aws.step('createSecret', versionId);
      await deleteByHand(arnOf(aws.secrets.valueAt('AWSPENDING') ?? ''));
      await expect(aws.step(step, versionId)).rejects.toThrow(/does not hold its public key .* It was given up/);
      expect([aws.secrets.versions()[versionId], current()]).toEqual([undefined, old]);
      await aws.rotate();
      expect([await aws.join(old), await aws.join(current())]).toEqual([201, 201]);
    },
  );

  test('testSecret gives a version up whose private key does not sign for the public key in IVS', async () => {
    const versionId = aws.secrets.beginRotation();
    const { privateKey } = makeKeyPair();
    const value = JSON.stringify({ publicKeyArn: arnOf(current()), privateKey });
    values.push(value);
    aws.secrets.put(value, versionId);
    await expect(aws.step('testSecret', versionId)).rejects.toThrow(/holds another public key .* It was given up/);
    expect(aws.secrets.versions()[versionId]).toBeUndefined();
  });

  test('of a rotation heals a current key that was deleted from IVS by hand', async () => {
    const lost = current();
    await deleteByHand(arnOf(lost));
    expect(await aws.join(lost)).toBe(401);
    await aws.rotate();
    expect(await aws.join(current())).toBe(201);
  });
});

describe('The rotation function refuses', () => {
  test('a version that is not pending, and says what it is', async () => {
    const [first] = Object.keys(aws.secrets.versions());
    await aws.rotate();
    await expect(aws.step('createSecret', first ?? '')).rejects.toThrow(
      `Version ${first} of ${SECRET_ARN} is labelled AWSPREVIOUS; expected AWSPENDING.`,
    );
    await expect(aws.step('createSecret', 'unknown')).rejects.toThrow('is labelled nothing; expected AWSPENDING.');
  });

  test('a secret whose rotation is not enabled', async () => {
    aws.secrets.isRotated = false;
    await expect(aws.rotate()).rejects.toThrow(`Rotation of ${SECRET_ARN} is not enabled.`);
  });

  test('an unknown step', async () => {
    await expect(aws.step('destroySecret', aws.secrets.beginRotation())).rejects.toThrow(
      'The step is "destroySecret"; expected one of createSecret, setSecret, testSecret, finishSecret.',
    );
  });

  test.each([
    ['KEY_NAME_PREFIX', '', 'KEY_NAME_PREFIX is not set'],
    ['KEY_NAME_PREFIX', 'no spaces', 'KEY_NAME_PREFIX is "no spaces"; expected 1 to 60 letters'],
    ['CLUSTER', '', 'CLUSTER is not set'],
    ['SERVICE', '', 'SERVICE is not set'],
  ])('to run with %s "%s"', async (name, value, message) => {
    process.env[name] = value;
    await expect(aws.rotate()).rejects.toThrow(message);
  });
});
