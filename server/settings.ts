import { createPrivateKey, type KeyObject } from 'node:crypto';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import * as v from 'valibot';
import { PARTICIPANT_DELAYS } from '../machines/participant.ts';
import { assetNameProblem } from './assets/names.ts';
import { matching, wholeNumber } from './texts.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** One line of the table of settings. */
export interface Setting {
  readonly name: string;
  readonly meaning: string;
  readonly unit: string | null;
  /** As it would be written in the environment; `null`: not set. */
  readonly default: string | null;
  /** A secret is never shown, not even when it is wrong. */
  readonly isSecret: boolean;
}

export interface SettingEntry extends Omit<Setting, 'name' | 'isSecret'> {
  readonly isSecret?: boolean;
  /** Reads the text of the environment; the message of an issue says what was expected. */
  readonly schema: v.GenericSchema<string, unknown>;
}

const satisfying = (check: (text: string) => boolean, expected: string) => v.pipe(v.string(), v.check(check, expected));

const port = wholeNumber(0, 65_535);
const megabytes = wholeNumber(1, 1_000_000);
const delayMs = wholeNumber(1_000, 600_000);
const secret = matching(/^[!-~]+$/, 'printable ASCII characters without spaces');
const region = matching(/^[a-z]{2,}(-[a-z]+)+-\d+$/, 'a region such as eu-central-1');

const flag = v.pipe(
  v.picklist(['0', '1', 'false', 'true'], '1 or true, 0 or false'),
  v.transform((text) => text === '1' || text === 'true'),
);

const webAddress = satisfying((text) => {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
}, 'an address that begins with https:// or http://, without a user name or password');

const assetName = v.pipe(
  v.string(),
  v.rawCheck(({ dataset, addIssue }) => {
    const expected = dataset.typed ? assetNameProblem(dataset.value) : null;
    if (expected !== null) addIssue({ message: expected });
  }),
);

const folder = v.pipe(
  v.string(),
  v.transform((path) => resolve(path)),
  v.check((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false, 'an existing folder'),
);

const program = satisfying(isProgram, 'the path of a program');

const P384 = 'a private key in PEM, of the curve P-384';

const privateKey = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const key = readPrivateKey(dataset.value);
    if (key !== null) return key;
    addIssue({ message: P384 });
    return NEVER;
  }),
);

const privateKeyFile = v.pipe(
  v.string(),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const key = readPrivateKey(readIfPossible(dataset.value));
    if (key !== null) return key;
    addIssue({ message: `a readable file that holds ${P384}` });
    return NEVER;
  }),
);

/** How each setting is read from its text in the environment. */
export const TABLE = {
  VP_ID: {
    meaning:
      'Name of the virtual participant, the `id` of invites and kicks. When not set: `vp-` and the id of the ECS task, or the host name up to its first dot.',
    unit: null,
    default: null,
    schema: matching(
      /^[A-Za-z0-9][A-Za-z0-9._:-]{0,127}$/,
      '1 to 128 letters, digits or . _ : -, the first a letter or digit',
    ),
  },
  GRAPHQL_API_URL: {
    meaning: 'Address of the GraphQL API that invites and kicks.',
    unit: null,
    default: null,
    schema: webAddress,
  },
  GRAPHQL_API_KEY: {
    meaning: 'API key of the GraphQL API. When not set: requests are signed with IAM.',
    unit: null,
    default: null,
    isSecret: true,
    schema: secret,
  },
  AWS_REGION: {
    meaning:
      'Region that requests to the GraphQL API are signed for with IAM. IVS is called in the region of the stage’s ARN, S3 in that of the bucket.',
    unit: null,
    default: null,
    schema: region,
  },
  AWS_ENDPOINT_URL_S3: {
    meaning: 'Address of S3, read by the AWS SDK. When not set: the one of the region.',
    unit: null,
    default: null,
    schema: webAddress,
  },
  AWS_ENDPOINT_URL_IVS_REALTIME: {
    meaning: 'Address of the IVS Real-Time API, read by the AWS SDK. When not set: the one of the region.',
    unit: null,
    default: null,
    schema: webAddress,
  },
  PARTICIPANT_TOKEN: {
    meaning: 'Participant token to join with at once, in place of a GraphQL API.',
    unit: null,
    default: null,
    isSecret: true,
    schema: secret,
  },
  STAGE_PUBLIC_KEY_ARN: {
    meaning:
      'ARN of the public key imported to IVS: participant tokens are then signed here, without a call to AWS. Stages of another account or region get their tokens from IVS all the same.',
    unit: null,
    default: null,
    schema: matching(
      /^arn:aws[a-z-]*:ivs:[a-z0-9-]+:\d+:public-key\/[A-Za-z0-9-]+$/,
      'arn:aws:ivs:<region>:<account>:public-key/<id>',
    ),
  },
  STAGE_PRIVATE_KEY: {
    meaning: 'The private key that belongs to STAGE_PUBLIC_KEY_ARN, as PEM; its lines may be divided by \\n.',
    unit: null,
    default: null,
    isSecret: true,
    schema: privateKey,
  },
  STAGE_PRIVATE_KEY_FILE: {
    meaning: 'A file that holds it, in place of STAGE_PRIVATE_KEY.',
    unit: null,
    default: null,
    schema: privateKeyFile,
  },
  PAGE_PORT: {
    meaning: 'Port of the page and the assets, on loopback; 0: any free one.',
    unit: 'port',
    default: '3000',
    schema: port,
  },
  WEBSOCKET_PORT: {
    meaning: 'Port of the WebSocket API, on loopback; 0: any free one.',
    unit: 'port',
    default: '3001',
    schema: port,
  },
  INSPECT: {
    meaning: 'Whether the state machines can be watched on INSPECT_PORT.',
    unit: '1 or 0',
    default: '0',
    schema: flag,
  },
  INSPECT_PORT: {
    meaning: 'Port of the inspection events, on loopback; 0: any free one.',
    unit: 'port',
    default: '3002',
    schema: port,
  },
  HEALTH_PORT: {
    meaning: 'Port of /livez, /readyz and /metrics, on all interfaces; 0: any free one.',
    unit: 'port',
    default: '8080',
    schema: port,
  },
  ASSETS_DIR: { meaning: 'Folder of the assets.', unit: 'path', default: './assets', schema: folder },
  DEFAULT_ASSET: {
    meaning:
      'What an invite without an asset plays: a file in ASSETS_DIR, `s3://bucket/key`, or `pattern` for the test picture.',
    unit: null,
    default: 'counter.mp4',
    schema: assetName,
  },
  ASSET_CACHE_DIR: {
    meaning:
      'Folder that assets from S3 are kept in; it is made when the first one comes. When not set: one of the user in the system’s folder for temporary files.',
    unit: 'path',
    default: null,
    schema: v.pipe(
      v.string(),
      v.transform((path) => resolve(path)),
    ),
  },
  ASSET_CACHE_MB: {
    // Half of the 20 GiB that a Fargate task has unless it asks for more ("Fargate task ephemeral storage").
    meaning: 'The most that all assets from S3 may take together; what was not used for longest goes first.',
    unit: 'MB',
    default: '10000',
    schema: megabytes,
  },
  MAX_ASSET_MB: {
    // What one connection to S3 brings in the time that an invite waits: see server/assets/s3/download.ts.
    meaning: 'The most that one asset from S3 may have.',
    unit: 'MB',
    default: '1000',
    schema: megabytes,
  },
  MAX_VIDEO_BITRATE_KBPS: {
    meaning: 'The most that the video may take.',
    unit: 'kbit/s',
    default: '2500',
    schema: wholeNumber(50, 2_500),
  },
  PUPPETEER_EXECUTABLE_PATH: {
    meaning: 'The Chromium to run. When not set: the first that is found.',
    unit: 'path',
    default: null,
    schema: program,
  },
  CHROMIUM_LAUNCHER: {
    meaning:
      'Program that runs Chromium as another user; the image sets its own. When not set, and where it cannot: the user of the server.',
    unit: 'path',
    default: null,
    schema: program,
  },
  LOG_LEVEL: {
    meaning: `The least that is logged: ${LOG_LEVELS.join(', ')}.`,
    unit: null,
    default: 'info',
    schema: v.picklist(LOG_LEVELS, `one of ${LOG_LEVELS.join(', ')}`),
  },
  METRICS_NAMESPACE: {
    meaning:
      'Namespace in CloudWatch of the metrics that the log then holds, whatever LOG_LEVEL says. When not set: the log holds none.',
    unit: null,
    default: null,
    schema: matching(
      /^(?!AWS\/|:)[\w.\-/#: ]{1,255}$/,
      '1 to 255 letters, digits, spaces or . _ - / # :, the first no colon, and not AWS/ at its beginning',
    ),
  },
  PREPARE_TIMEOUT_MS: {
    meaning: 'How long the token and the asset of an invite may take.',
    unit: 'ms',
    default: String(PARTICIPANT_DELAYS.prepareTimeout),
    schema: delayMs,
  },
  JOIN_TIMEOUT_MS: {
    meaning: 'How long the page may take to join, before the invite fails.',
    unit: 'ms',
    default: String(PARTICIPANT_DELAYS.joinTimeout),
    schema: delayMs,
  },
  RECOVER_TIMEOUT_MS: {
    meaning: 'How long a crashed page or a lost stage may take to come back, before the invite fails.',
    unit: 'ms',
    default: String(PARTICIPANT_DELAYS.recoverTimeout),
    schema: delayMs,
  },
  DRAIN_TIMEOUT_MS: {
    meaning: 'How long leaving the stage may take at SIGTERM. Keep it below the time until SIGKILL.',
    unit: 'ms',
    default: String(PARTICIPANT_DELAYS.drainTimeout),
    schema: delayMs,
  },
  ECS_AGENT_URI: {
    meaning: 'Set by ECS: where a task in use asks for protection from scale-in and deployments.',
    unit: null,
    default: null,
    schema: webAddress,
  },
  ECS_CONTAINER_METADATA_URI_V4: {
    meaning: 'Set by ECS: where the id of the task is read, for the name of the virtual participant.',
    unit: null,
    default: null,
    schema: webAddress,
  },
} as const satisfies Record<string, SettingEntry>;

export type SettingName = keyof typeof TABLE;
/** What the texts of the environment were read as. */
export type SettingValues = {
  [N in SettingName]:
    | v.InferOutput<(typeof TABLE)[N]['schema']>
    | ((typeof TABLE)[N]['default'] extends null ? null : never);
};

export const SETTING_NAMES = Object.keys(TABLE) as SettingName[];

/** Every setting there is, in the order of the README. */
export const SETTINGS: readonly Setting[] = SETTING_NAMES.map((name) => {
  const { meaning, unit, default: byDefault, isSecret = false }: SettingEntry = TABLE[name];
  return { name, meaning, unit, default: byDefault, isSecret };
});

/** PKCS #8 as well as SEC 1, which is what `openssl ecparam -genkey` writes; `null` if it is no such key. */
function readPrivateKey(pem: string): KeyObject | null {
  try {
    const key = createPrivateKey(pem.replaceAll('\\n', '\n'));
    return key.asymmetricKeyDetails?.namedCurve === 'secp384r1' ? key : null;
  } catch {
    return null;
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function readIfPossible(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
