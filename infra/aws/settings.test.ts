import { readFile } from 'node:fs/promises';
import { DEPLOYMENT_SETTINGS, FARGATE_SIZES, readSettings, SettingsError } from './settings.ts';

const read = (context: Record<string, unknown> = {}) => readSettings((name) => context[name]);

describe('The settings of a deployment', () => {
  it('are their defaults where nothing is given', () => {
    expect(read()).toEqual({
      stackName: 'VirtualParticipant',
      minAvailable: 1,
      maxTasks: 10,
      cpu: 1_024,
      memoryMiB: 2_048,
      architecture: 'X86_64',
      defaultAsset: 'counter.mp4',
      assetBucket: null,
      stageArns: null,
      apiKey: false,
      alarmEmail: null,
      vpcId: null,
      publicSubnetIds: null,
      logRetentionDays: 30,
      keepData: true,
    });
  });

  it('are read from the texts of -c and from the JSON of cdk.json alike', () => {
    const text = read({ minAvailable: '3', apiKey: 'true', alarmEmail: '' });
    expect(read({ minAvailable: 3, apiKey: true })).toEqual(text);
    expect(text).toMatchObject({ minAvailable: 3, apiKey: true, alarmEmail: null });
  });

  it('take lists divided by commas', () => {
    const { publicSubnetIds } = read({
      vpcId: 'vpc-0123456789abcdef0',
      publicSubnetIds: 'subnet-01234567, subnet-89abcdef',
    });
    expect(publicSubnetIds).toEqual(['subnet-01234567', 'subnet-89abcdef']);
  });

  it.each([
    [{ minAvailable: 'many' }, 'minAvailable is "many"; expected a whole number from 0 to 1000.'],
    [{ maxTasks: '0' }, 'maxTasks is "0"; expected a whole number from 1 to 5000.'],
    [{ minAvailable: '11' }, 'minAvailable is "11"; expected at most maxTasks, which is 10.'],
    [{ cpu: '1000' }, 'cpu is "1000"; expected one of 256, 512, 1024, 2048, 4096, 8192, 16384.'],
    [
      { cpu: '512', memoryMiB: '512' },
      'memoryMiB is "512"; expected one of 1024, 2048, 3072, 4096, which are those that Fargate has for a cpu of 512.',
    ],
    [{ architecture: 'arm' }, 'architecture is "arm"; expected X86_64 or ARM64.'],
    [{ apiKey: 'yes' }, 'apiKey is "yes"; expected true or false.'],
    [{ alarmEmail: 'me' }, 'alarmEmail is "me"; expected a mail address.'],
    [
      { logRetentionDays: 31 },
      'logRetentionDays is 31; expected one of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731.',
    ],
    [
      { stageArns: 'arn:aws:ivs:us-west-2:111122223333:channel/a' },
      'stageArns is "arn:aws:ivs:us-west-2:111122223333:channel/a"; expected arn:aws:ivs:<region>:<account>:stage/<id>, more of them divided by commas.',
    ],
    [
      { vpcId: 'vpc-0123456789abcdef0' },
      'publicSubnetIds is not set; expected the public subnets to use of vpc-0123456789abcdef0.',
    ],
    [{ publicSubnetIds: 'subnet-01234567' }, 'vpcId is not set; expected the VPC that publicSubnetIds belong to.'],
    [
      { cpu: 'x', apiKey: 'x' },
      'cpu is "x"; expected one of 256, 512, 1024, 2048, 4096, 8192, 16384. apiKey is "x"; expected true or false.',
    ],
  ])('%j are refused with what was expected', (context, message) => {
    expect(() => read(context)).toThrow(new SettingsError(message));
  });

  it('offer only sizes that Fargate has', () => {
    expect(FARGATE_SIZES[1_024]).toEqual([2_048, 3_072, 4_096, 5_120, 6_144, 7_168, 8_192]);
    expect(FARGATE_SIZES[16_384]?.at(-1)).toBe(122_880);
  });
});

describe('The README of the deployment', () => {
  it('lists every setting with its default and its meaning, in their order, and no other', async () => {
    const readme = await readFile(new URL('./README.md', import.meta.url), 'utf8');
    const section = /^## Settings\n(.*?)(?=^## |$(?![\s\S]))/ms.exec(readme)?.[1] ?? '';
    const rows = [...section.matchAll(/^\| `([^`]+)` \|\s*(?:`([^`]*)`)?\s*\| (.*) \|$/gm)];
    expect(rows.map(([, name, byDefault, meaning]) => ({ name, default: byDefault ?? null, meaning }))).toEqual(
      DEPLOYMENT_SETTINGS.map(({ name, default: byDefault, meaning, unit }) => ({
        name,
        default: byDefault,
        meaning: unit === null ? meaning : `${meaning} Unit: ${unit}.`,
      })),
    );
  });
});
