import type { KeyObject } from 'node:crypto';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { StartError } from './errors.ts';
import { redactText } from './redact.ts';
import {
  type LogLevel,
  SETTING_NAMES,
  type SettingEntry,
  type SettingName,
  type SettingValues,
  TABLE,
} from './settings.ts';

/** A key pair of the account that signs participant tokens; its public key was imported to IVS. */
export interface StageKeyPair {
  readonly publicKeyArn: string;
  readonly privateKey: KeyObject;
}

/** Everything that the environment decides; see `SETTINGS` for what each means. */
export interface Config {
  readonly vpId: string;
  readonly graphqlApiUrl: string | null;
  /** `null`: requests are signed with IAM, for {@link awsRegion}. */
  readonly graphqlApiKey: string | null;
  readonly awsRegion: string | null;
  readonly participantToken: string | null;
  readonly stageKeyPair: StageKeyPair | null;
  readonly pagePort: number;
  readonly webSocketPort: number;
  /** `null`: inspection is off. */
  readonly inspectPort: number | null;
  readonly healthPort: number;
  /** Absolute. */
  readonly assetsDir: string;
  readonly defaultAsset: string;
  /** Absolute. */
  readonly assetCacheDir: string;
  readonly assetCacheMb: number;
  readonly maxAssetMb: number;
  readonly maxVideoBitrateKbps: number;
  /** `null`: the first that is found. */
  readonly chromiumPath: string | null;
  /** `null`: Chromium runs as the user of the server. */
  readonly chromiumLauncher: string | null;
  readonly logLevel: LogLevel;
  /** `null`: the log gets no metrics for CloudWatch. */
  readonly metricsNamespace: string | null;
  /** `null`: not a task of ECS. */
  readonly ecsAgentUrl: string | null;
  /** Where the id of the task is read that then names the virtual participant; `null`: it has its name. */
  readonly taskMetadataUrl: string | null;
  /** Ready for `participantMachine.provide({ delays })`. */
  readonly delays: Readonly<Record<SettableDelay, number>>;
}

/**
 * The waits that depend on where the server runs and on how long its callers are willing to wait. The others are tied to
 * what the page itself tries, or to each other.
 */
type SettableDelay = 'prepareTimeout' | 'joinTimeout' | 'recoverTimeout' | 'drainTimeout';

export interface ConfigNeeds {
  /** Whether someone must be able to invite: `GRAPHQL_API_URL` or `PARTICIPANT_TOKEN`, and not both. Default: true. */
  invites?: boolean;
  /** For the default of `VP_ID`. Default: this machine's. */
  host?: string;
}

/**
 * Reads all settings. It is the only reader of the environment in `server/`, save for what the AWS SDK and the search
 * for a Chromium look up themselves. An empty text counts as not set, and space around a value is dropped.
 *
 * @throws {StartError} that names every missing or wrong setting with what was given (unless it is a secret) and what
 *   was expected.
 */
export function readConfig(env: NodeJS.ProcessEnv, { invites = true, host = hostname() }: ConfigNeeds = {}): Config {
  const problems = new Problems(env);
  const values = Object.fromEntries(
    SETTING_NAMES.map((name) => [name, readSetting(name, env, problems)]),
  ) as SettingValues;
  checkTogether(values, problems, invites);
  problems.throwIfAny();
  const { STAGE_PUBLIC_KEY_ARN: publicKeyArn } = values;
  const key = values.STAGE_PRIVATE_KEY ?? values.STAGE_PRIVATE_KEY_FILE;
  return {
    vpId: values.VP_ID ?? vpIdOf(host),
    graphqlApiUrl: values.GRAPHQL_API_URL,
    graphqlApiKey: values.GRAPHQL_API_KEY,
    awsRegion: values.AWS_REGION,
    participantToken: values.PARTICIPANT_TOKEN,
    stageKeyPair: publicKeyArn === null || key === null ? null : { publicKeyArn, privateKey: key },
    pagePort: values.PAGE_PORT,
    webSocketPort: values.WEBSOCKET_PORT,
    inspectPort: values.INSPECT ? values.INSPECT_PORT : null,
    healthPort: values.HEALTH_PORT,
    assetsDir: values.ASSETS_DIR,
    defaultAsset: values.DEFAULT_ASSET,
    assetCacheDir: values.ASSET_CACHE_DIR ?? join(tmpdir(), `virtual-participant-assets-${process.getuid?.() ?? ''}`),
    assetCacheMb: values.ASSET_CACHE_MB,
    maxAssetMb: values.MAX_ASSET_MB,
    maxVideoBitrateKbps: values.MAX_VIDEO_BITRATE_KBPS,
    chromiumPath: values.PUPPETEER_EXECUTABLE_PATH,
    chromiumLauncher: values.CHROMIUM_LAUNCHER,
    logLevel: values.LOG_LEVEL,
    metricsNamespace: values.METRICS_NAMESPACE,
    ecsAgentUrl: values.ECS_AGENT_URI,
    taskMetadataUrl: values.VP_ID === null ? values.ECS_CONTAINER_METADATA_URI_V4 : null,
    delays: {
      prepareTimeout: values.PREPARE_TIMEOUT_MS,
      joinTimeout: values.JOIN_TIMEOUT_MS,
      recoverTimeout: values.RECOVER_TIMEOUT_MS,
      drainTimeout: values.DRAIN_TIMEOUT_MS,
    },
  };
}

/** What is wrong so far, one sentence each. */
class Problems {
  readonly #env: NodeJS.ProcessEnv;
  readonly #sentences = new Map<SettingName, string>();

  constructor(env: NodeJS.ProcessEnv) {
    this.#env = env;
  }

  add(name: SettingName, expected: string): void {
    if (!this.#sentences.has(name)) this.#sentences.set(name, `${name} is ${this.#given(name)}; expected ${expected}.`);
  }

  has(name: SettingName): boolean {
    return this.#sentences.has(name);
  }

  throwIfAny(): void {
    if (this.#sentences.size > 0) throw new StartError([...this.#sentences.values()].join(' '));
  }

  #given(name: SettingName): string {
    const { isSecret = false }: SettingEntry = TABLE[name];
    const text = given(this.#env, name);
    if (text === null) return 'not set';
    return isSecret ? 'set to something else (not shown)' : JSON.stringify(shorten(redactText(text)));
  }
}

function readSetting(name: SettingName, env: NodeJS.ProcessEnv, problems: Problems): unknown {
  const { schema, default: byDefault }: SettingEntry = TABLE[name];
  const text = given(env, name) ?? byDefault;
  if (text === null) return null;
  const result = v.safeParse(schema, text);
  if (result.success) return result.output;
  problems.add(name, result.issues[0].message);
  return null;
}

function given(env: NodeJS.ProcessEnv, name: SettingName): string | null {
  return env[name]?.trim() || null;
}

/** The rules that take more than one setting. */
function checkTogether(values: SettingValues, problems: Problems, invites: boolean): void {
  const isMissing = (name: SettingName) => values[name] === null && !problems.has(name);
  const isGiven = (name: SettingName) => values[name] !== null || problems.has(name);

  if (invites && isMissing('GRAPHQL_API_URL') && isMissing('PARTICIPANT_TOKEN')) {
    problems.add('GRAPHQL_API_URL', 'the address of the GraphQL API that invites, or PARTICIPANT_TOKEN instead');
  }
  if (invites && isGiven('GRAPHQL_API_URL') && isGiven('PARTICIPANT_TOKEN')) {
    problems.add('PARTICIPANT_TOKEN', 'none, since GRAPHQL_API_URL is set and invites come from there');
  }
  if (values.GRAPHQL_API_URL !== null && isMissing('GRAPHQL_API_KEY') && isMissing('AWS_REGION')) {
    problems.add(
      'AWS_REGION',
      'the region of the GraphQL API, since without GRAPHQL_API_KEY requests are signed with IAM',
    );
  }
  if (isGiven('STAGE_PRIVATE_KEY') && isGiven('STAGE_PRIVATE_KEY_FILE')) {
    problems.add('STAGE_PRIVATE_KEY_FILE', 'none, since STAGE_PRIVATE_KEY is set');
  }
  const hasKey = isGiven('STAGE_PRIVATE_KEY') || isGiven('STAGE_PRIVATE_KEY_FILE');
  if (hasKey && isMissing('STAGE_PUBLIC_KEY_ARN')) {
    problems.add('STAGE_PUBLIC_KEY_ARN', 'the ARN of the public key that belongs to the private key');
  }
  if (!hasKey && isGiven('STAGE_PUBLIC_KEY_ARN')) {
    problems.add(
      'STAGE_PRIVATE_KEY',
      'the private key that belongs to STAGE_PUBLIC_KEY_ARN, or STAGE_PRIVATE_KEY_FILE',
    );
  }
  const { ASSET_CACHE_MB: cacheMb, MAX_ASSET_MB: assetMb } = values;
  if (cacheMb !== null && assetMb !== null && cacheMb < assetMb) {
    problems.add('ASSET_CACHE_MB', `at least MAX_ASSET_MB, which is ${assetMb}`);
  }
  checkPorts(values, problems);
}

function checkPorts(values: SettingValues, problems: Problems): void {
  const names = [
    'PAGE_PORT',
    'WEBSOCKET_PORT',
    'HEALTH_PORT',
    ...(values.INSPECT ? (['INSPECT_PORT'] as const) : []),
  ] as const;
  const takenBy = new Map<number, SettingName>();
  for (const name of names) {
    const number = values[name];
    const other = takenBy.get(number);
    if (other !== undefined) problems.add(name, `another port than that of ${other}, which is ${number}`);
    if (number !== null && number !== 0) takenBy.set(number, name);
  }
}

/** An id that the control plane takes, whatever the host is called. */
function vpIdOf(host: string): string {
  const label = host.split('.', 1)[0] ?? '';
  return `vp-${label.replaceAll(/[^A-Za-z0-9_-]/g, '-').slice(0, 100)}`;
}

function shorten(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}
