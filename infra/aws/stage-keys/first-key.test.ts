import { makeKeyPair } from './key-pair.ts';
import { type LocalAws, startLocalAws, tracesOf } from './testing/aws.ts';
import { SECRET_ARN } from './testing/secrets-manager.ts';

let aws: LocalAws;

beforeEach(async () => {
  aws = await startLocalAws();
});
afterEach(async () => {
  const value = aws.secrets.valueAt('AWSCURRENT');
  const { told } = aws;
  await aws.close();
  const traces = value?.startsWith('{') ? tracesOf(value) : [];
  expect(told.filter((line) => traces.some((trace) => line.includes(trace)))).toEqual([]);
});

const create = (RequestId = '00000000-0000-4000-8000-000000000001') =>
  aws.firstKey({ RequestType: 'Create', RequestId });
const current = () => aws.secrets.valueAt('AWSCURRENT');

describe('Create', () => {
  test.each([
    ['nothing', null],
    ['a random password, as CloudFormation makes one', 'o3X,k~'],
    ['a key whose public half IVS has not', 'lost'],
  ])('makes a key pair where the secret holds %s', async (_what, value) => {
    const publicKeyArn = 'arn:aws:ivs:us-west-2:123456789012:public-key/AbCdEfGh1234';
    if (value === 'lost') aws.secrets.put(JSON.stringify({ publicKeyArn, privateKey: makeKeyPair().privateKey }));
    else if (value !== null) aws.secrets.put(value);
    const answer = await create();
    expect(answer).toEqual({
      PhysicalResourceId: SECRET_ARN,
      Data: { PublicKeyArn: (await aws.publicKeys())[0]?.arn },
    });
    expect(await aws.join(current())).toBe(201);
  });

  test('keeps a key pair that works, also when it is called again or for an update', async () => {
    const answer = await create();
    const value = current();
    expect(await create()).toEqual(answer);
    const PhysicalResourceId = SECRET_ARN;
    const update = { RequestType: 'Update', RequestId: '00000000-0000-4000-8000-000000000002', PhysicalResourceId };
    expect(await aws.firstKey(update)).toEqual(answer);
    expect([current(), (await aws.publicKeys()).length]).toEqual([value, 1]);
  });

  test('leaves nothing in IVS when the secret cannot be written', async () => {
    aws.secrets.fail('PutSecretValue', 'before');
    await expect(create()).rejects.toThrow('PutSecretValue was told to fail.');
    expect(await aws.publicKeys()).toEqual([]);
    await create();
    expect(await aws.join(current())).toBe(201);
  });

  test('makes a key pair that a rotation replaces, whatever the secret held before', async () => {
    aws.secrets.put('o3X,k~');
    await create();
    const first = current();
    await aws.rotate();
    expect([await aws.join(first), await aws.join(current())]).toEqual([201, 201]);
  });
});

describe('Delete', () => {
  test('deletes every public key of the secret and none of others, without reading the secret', async () => {
    await create();
    await aws.rotate();
    const value = current();
    await aws.stage.call('ImportPublicKey', { publicKeyMaterial: makeKeyPair().publicKey, name: 'of-another' });
    aws.secrets.fail('DescribeSecret', 'before');
    aws.secrets.fail('GetSecretValue', 'before');
    expect(await aws.firstKey({ RequestType: 'Delete', PhysicalResourceId: SECRET_ARN })).toEqual({
      PhysicalResourceId: SECRET_ARN,
      Data: {},
    });
    expect((await aws.publicKeys()).map(({ name }) => name)).toEqual(['of-another']);
    expect(await aws.join(value)).toBe(401);
  });

  test('of a secret that was replaced leaves the keys of the new one', async () => {
    await create();
    await aws.firstKey({ RequestType: 'Delete', PhysicalResourceId: `${SECRET_ARN}-before` });
    expect(await aws.join(current())).toBe(201);
  });
});
