import * as v from 'valibot';
import { matching, wholeNumber } from '../../server/texts.ts';

/** The sizes that Fargate takes, in MiB by CPU units: "Fargate task size" in the Amazon ECS Developer Guide. */
export const FARGATE_SIZES: Readonly<Record<number, readonly number[]>> = {
  256: [512, 1_024, 2_048],
  512: steps(1_024, 4_096, 1_024),
  1024: steps(2_048, 8_192, 1_024),
  2048: steps(4_096, 16_384, 1_024),
  4096: steps(8_192, 30_720, 1_024),
  8192: steps(16_384, 61_440, 4_096),
  16384: steps(32_768, 122_880, 8_192),
};

/** What a task gets unless the operator says otherwise; see "Cost and sizing" in README.md for why. */
export const DEFAULT_SIZE = { cpu: 1_024, memoryMiB: 2_048 } as const;

/** The days for which CloudWatch Logs can keep a log group, as far as an operator would want to. */
const RETENTION_DAYS = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731] as const;

/** A setting that is missing or wrong; the message names each with what was given and what was expected. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

/** One line of the table of settings. */
export interface DeploymentSetting {
  readonly name: string;
  readonly meaning: string;
  readonly unit: string | null;
  /** As it would be written after `-c name=`; `null`: not set. */
  readonly default: string | null;
}

interface SettingEntry extends Omit<DeploymentSetting, 'name'> {
  /** Reads the text; the message of an issue says what was expected. */
  readonly schema: v.GenericSchema<string, unknown>;
}

function oneOf<const T extends number>(numbers: readonly T[]) {
  const expected = `one of ${numbers.join(', ')}`;
  return v.pipe(
    v.string(),
    v.check((text) => numbers.some((number) => String(number) === text), expected),
    v.transform((text) => Number(text) as T),
  );
}

function listOf(pattern: RegExp, expected: string) {
  return v.pipe(
    v.string(),
    v.transform((text) => text.split(',').map((item) => item.trim())),
    v.check((items) => items.every((item) => pattern.test(item)), expected),
  );
}

const flag = v.pipe(
  v.picklist(['true', 'false'], 'true or false'),
  v.transform((text) => text === 'true'),
);

/** How each setting is read from its text, which `cdk` takes as `-c name=text` and from `context` in `cdk.json`. */
const TABLE = {
  stackName: {
    meaning: 'Name of the stack, of its dashboard and of the namespace of its metrics. One account can have several.',
    unit: null,
    default: 'VirtualParticipant',
    schema: matching(/^[A-Za-z][A-Za-z0-9-]{0,39}$/, 'a letter, then at most 39 letters, digits or -'),
  },
  minAvailable: {
    meaning: 'How many virtual participants are kept free for the next invites; 0 switches the pool off.',
    unit: 'tasks',
    default: '1',
    schema: wholeNumber(0, 1_000),
  },
  maxTasks: {
    meaning: 'The most that run at a time, free and taken together: the bound on what it can cost.',
    unit: 'tasks',
    default: '10',
    schema: wholeNumber(1, 5_000),
  },
  cpu: {
    meaning: 'CPU of a task; 1024 is one vCPU.',
    unit: 'CPU units',
    default: String(DEFAULT_SIZE.cpu),
    schema: oneOf(Object.keys(FARGATE_SIZES).map(Number)),
  },
  memoryMiB: {
    meaning: 'Memory of a task, one of those that Fargate has for its `cpu`.',
    unit: 'MiB',
    default: String(DEFAULT_SIZE.memoryMiB),
    schema: wholeNumber(512, 122_880),
  },
  architecture: {
    meaning: 'What the image is built for and the tasks run on: X86_64, or ARM64, which costs a fifth less.',
    unit: null,
    default: 'X86_64',
    schema: v.picklist(['X86_64', 'ARM64'], 'X86_64 or ARM64'),
  },
  defaultAsset: {
    meaning: 'What an invite without an asset plays: a name that the server’s `DEFAULT_ASSET` takes.',
    unit: null,
    default: 'counter.mp4',
    schema: matching(/^[!-~]{1,1024}$/, '1 to 1024 printable ASCII characters without spaces'),
  },
  assetBucket: {
    meaning: 'A bucket that you have, for the assets. When not set: one is made.',
    unit: null,
    default: null,
    schema: matching(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'the name of an S3 bucket'),
  },
  stageArns: {
    meaning:
      'The stages that may be joined, divided by commas. When not set: every stage of this account in this region.',
    unit: null,
    default: null,
    schema: listOf(
      /^arn:aws[a-z-]*:ivs:[a-z0-9-]+:\d{12}:stage\/[A-Za-z0-9]+$/,
      'arn:aws:ivs:<region>:<account>:stage/<id>, more of them divided by commas',
    ),
  },
  apiKey: {
    meaning: 'Whether an API key may invite, kick, read and watch as well, for 30 days from each deployment.',
    unit: 'true or false',
    default: 'false',
    schema: flag,
  },
  alarmEmail: {
    meaning: 'Who gets a mail when an alarm rings, once the mail from AWS that asks for it has been confirmed.',
    unit: null,
    default: null,
    schema: matching(/^[^\s@]+@[^\s@]+\.[^\s@]+$/, 'a mail address'),
  },
  vpcId: {
    meaning: 'A VPC that you have, together with `publicSubnetIds`. When not set: one is made.',
    unit: null,
    default: null,
    schema: matching(/^vpc-[0-9a-f]{8,17}$/, 'vpc- and 8 to 17 hexadecimal digits'),
  },
  publicSubnetIds: {
    meaning: 'Subnets of `vpcId` with a route to an internet gateway, divided by commas.',
    unit: null,
    default: null,
    schema: listOf(/^subnet-[0-9a-f]{8,17}$/, 'subnet- and 8 to 17 hexadecimal digits, more divided by commas'),
  },
  logRetentionDays: {
    meaning: 'How long logs are kept.',
    unit: 'days',
    default: '30',
    schema: oneOf(RETENTION_DAYS),
  },
  keepData: {
    meaning: 'Whether tables, bucket and logs outlive the stack. `false` only where everything may be lost with it.',
    unit: 'true or false',
    default: 'true',
    schema: flag,
  },
} as const satisfies Record<string, SettingEntry>;

type SettingName = keyof typeof TABLE;

/** What an operator has chosen; {@link DEPLOYMENT_SETTINGS} says what each means. */
export type Settings = {
  readonly [N in SettingName]:
    | v.InferOutput<(typeof TABLE)[N]['schema']>
    | ((typeof TABLE)[N]['default'] extends null ? null : never);
};

const NAMES = Object.keys(TABLE) as SettingName[];

/** Every setting there is, in the order of the README. */
export const DEPLOYMENT_SETTINGS: readonly DeploymentSetting[] = NAMES.map((name) => {
  const { meaning, unit, default: byDefault }: SettingEntry = TABLE[name];
  return { name, meaning, unit, default: byDefault };
});

/**
 * Reads all settings.
 *
 * @param given what `cdk` knows of a name: a text from `-c`, or any JSON from `cdk.json`
 * @throws {SettingsError} that names every wrong setting with what was given and what was expected.
 */
export function readSettings(given: (name: string) => unknown): Settings {
  const problems = new Map<SettingName, string>();
  const add = (name: SettingName, expected: string) => {
    const value = given(name);
    const said = value === undefined ? 'not set' : JSON.stringify(value);
    if (!problems.has(name)) problems.set(name, `${name} is ${said}; expected ${expected}.`);
  };
  const settings = Object.fromEntries(
    NAMES.map((name) => {
      const { schema, default: byDefault }: SettingEntry = TABLE[name];
      const text = textOf(given(name)) ?? byDefault;
      if (text === null) return [name, null];
      const result = v.safeParse(schema, text);
      if (!result.success) add(name, result.issues[0].message);
      return [name, result.output];
    }),
  ) as Settings;
  if (problems.size === 0) checkTogether(settings, add);
  if (problems.size > 0) throw new SettingsError([...problems.values()].join(' '));
  return settings;
}

/** The rules that take more than one setting. */
function checkTogether(settings: Settings, add: (name: SettingName, expected: string) => void): void {
  const { cpu, memoryMiB, minAvailable, maxTasks, vpcId, publicSubnetIds } = settings;
  const sizes = FARGATE_SIZES[cpu] ?? [];
  if (!sizes.includes(memoryMiB)) {
    add('memoryMiB', `one of ${sizes.join(', ')}, which are those that Fargate has for a cpu of ${cpu}`);
  }
  if (minAvailable > maxTasks) add('minAvailable', `at most maxTasks, which is ${maxTasks}`);
  if (vpcId !== null && publicSubnetIds === null) add('publicSubnetIds', `the public subnets to use of ${vpcId}`);
  if (vpcId === null && publicSubnetIds !== null) add('vpcId', 'the VPC that publicSubnetIds belong to');
}

function textOf(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  return (typeof value === 'string' ? value : JSON.stringify(value)).trim() || null;
}

function steps(from: number, to: number, by: number): number[] {
  return Array.from({ length: (to - from) / by + 1 }, (_, index) => from + index * by);
}
