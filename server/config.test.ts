import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type ConfigNeeds, readConfig } from './config.ts';
import { SETTINGS } from './settings.ts';

const API = {
  GRAPHQL_API_URL: 'https://abc.appsync-api.eu-central-1.amazonaws.com/graphql',
  GRAPHQL_API_KEY: 'da2-key',
};
const ARN = 'arn:aws:ivs:eu-central-1:123456789012:public-key/abcdEFGH1234';

function problemsOf(env: NodeJS.ProcessEnv, needs?: ConfigNeeds): string {
  try {
    readConfig(env, needs);
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
}

const pemOf = (namedCurve: string, type: 'pkcs8' | 'sec1') =>
  generateKeyPairSync('ec', { namedCurve }).privateKey.export({ type, format: 'pem' }).toString();

describe('readConfig', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vp-config-'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('needs no more than a GraphQL API and its key', () => {
    expect(readConfig(API, { host: 'ip-10-0-1-2.eu-central-1.compute.internal' })).toEqual({
      vpId: 'vp-ip-10-0-1-2',
      graphqlApiUrl: API.GRAPHQL_API_URL,
      graphqlApiKey: 'da2-key',
      awsRegion: null,
      participantToken: null,
      stageKeyPair: null,
      pagePort: 3_000,
      webSocketPort: 3_001,
      inspectPort: null,
      healthPort: 8_080,
      assetsDir: resolve('assets'),
      defaultAsset: 'counter.mp4',
      assetCacheDir: join(tmpdir(), `virtual-participant-assets-${process.getuid?.()}`),
      assetCacheMb: 10_000,
      maxAssetMb: 1_000,
      maxVideoBitrateKbps: 2_500,
      chromiumPath: null,
      chromiumLauncher: null,
      logLevel: 'info',
      metricsNamespace: null,
      ecsAgentUrl: null,
      taskMetadataUrl: null,
      delays: { prepareTimeout: 20_000, joinTimeout: 100_000, recoverTimeout: 120_000, drainTimeout: 25_000 },
    });
  });

  it('takes every setting from the environment', () => {
    const env = {
      VP_ID: ' studio:7 ',
      GRAPHQL_API_URL: 'http://127.0.0.1:4000/graphql',
      AWS_REGION: 'eu-central-1',
      AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:4200',
      AWS_ENDPOINT_URL_IVS_REALTIME: 'http://127.0.0.1:4100',
      PAGE_PORT: '0',
      WEBSOCKET_PORT: '5001',
      INSPECT: '1',
      INSPECT_PORT: '5002',
      HEALTH_PORT: '5003',
      ASSETS_DIR: folder,
      DEFAULT_ASSET: 's3://bucket/trailers/a.mp4',
      ASSET_CACHE_DIR: 'cache',
      ASSET_CACHE_MB: '200',
      MAX_ASSET_MB: '200',
      MAX_VIDEO_BITRATE_KBPS: '800',
      PUPPETEER_EXECUTABLE_PATH: process.execPath,
      CHROMIUM_LAUNCHER: process.execPath,
      LOG_LEVEL: 'debug',
      METRICS_NAMESPACE: 'Team/Virtual Participant',
      PREPARE_TIMEOUT_MS: '60000',
      JOIN_TIMEOUT_MS: '15000',
      RECOVER_TIMEOUT_MS: '30000',
      DRAIN_TIMEOUT_MS: '100000',
      ECS_AGENT_URI: 'http://169.254.170.2/api/1a2b',
      ECS_CONTAINER_METADATA_URI_V4: 'http://169.254.170.2/v4/1a2b',
    };
    expect(readConfig(env)).toEqual({
      vpId: 'studio:7',
      graphqlApiUrl: 'http://127.0.0.1:4000/graphql',
      graphqlApiKey: null,
      awsRegion: 'eu-central-1',
      participantToken: null,
      stageKeyPair: null,
      pagePort: 0,
      webSocketPort: 5_001,
      inspectPort: 5_002,
      healthPort: 5_003,
      assetsDir: folder,
      defaultAsset: 's3://bucket/trailers/a.mp4',
      assetCacheDir: resolve('cache'),
      assetCacheMb: 200,
      maxAssetMb: 200,
      maxVideoBitrateKbps: 800,
      chromiumPath: process.execPath,
      chromiumLauncher: process.execPath,
      logLevel: 'debug',
      metricsNamespace: 'Team/Virtual Participant',
      ecsAgentUrl: 'http://169.254.170.2/api/1a2b',
      taskMetadataUrl: null,
      delays: { prepareTimeout: 60_000, joinTimeout: 15_000, recoverTimeout: 30_000, drainTimeout: 100_000 },
    });
  });

  it('takes an empty setting for one that is not set', () => {
    const empty = Object.fromEntries(SETTINGS.map(({ name }) => [name, ' ']));
    expect(readConfig({ ...empty, ...API }, { host: 'a' })).toEqual(readConfig(API, { host: 'a' }));
  });

  it.each([
    ['ip-10-0-1-2.ec2.internal', 'vp-ip-10-0-1-2'],
    ['Ada’s MacBook.local', 'vp-Ada-s-MacBook'],
    ['', 'vp-'],
    ['x'.repeat(255), `vp-${'x'.repeat(100)}`],
  ])('names the virtual participant of the host "%s" %s', (host, vpId) => {
    expect(readConfig(API, { host }).vpId).toBe(vpId);
  });

  it('names every wrong setting at once, with what was given and what was expected', () => {
    expect(problemsOf({ ...API, PAGE_PORT: '65536', LOG_LEVEL: 'loud', ASSETS_DIR: '/no/such/folder' })).toBe(
      'PAGE_PORT is "65536"; expected a whole number from 0 to 65535. ' +
        'ASSETS_DIR is "/no/such/folder"; expected an existing folder. ' +
        'LOG_LEVEL is "loud"; expected one of trace, debug, info, warn, error, fatal, silent.',
    );
  });

  it.each([
    [{ VP_ID: '-a' }, 'VP_ID is "-a"; expected 1 to 128 letters, digits or . _ : -, the first a letter or digit.'],
    [{ HEALTH_PORT: '-1' }, 'HEALTH_PORT is "-1"; expected a whole number from 0 to 65535.'],
    [{ WEBSOCKET_PORT: '3e3' }, 'WEBSOCKET_PORT is "3e3"; expected a whole number from 0 to 65535.'],
    [
      { WEBSOCKET_PORT: '3000' },
      'WEBSOCKET_PORT is "3000"; expected another port than that of PAGE_PORT, which is 3000.',
    ],
    [{ INSPECT: 'yes' }, 'INSPECT is "yes"; expected 1 or true, 0 or false.'],
    [{ MAX_VIDEO_BITRATE_KBPS: '49' }, 'MAX_VIDEO_BITRATE_KBPS is "49"; expected a whole number from 50 to 2500.'],
    [{ MAX_VIDEO_BITRATE_KBPS: '2501' }, 'MAX_VIDEO_BITRATE_KBPS is "2501"; expected a whole number from 50 to 2500.'],
    ...['AWS/ECS', ':a', 'Zürich', 'a'.repeat(256)].map((namespace): [object, string] => [
      { METRICS_NAMESPACE: namespace },
      `METRICS_NAMESPACE is ${JSON.stringify(namespace.length > 80 ? `${namespace.slice(0, 80)}…` : namespace)}; expected 1 to 255 letters, digits, spaces or . _ - / # :, the first no colon, and not AWS/ at its beginning.`,
    ]),
    [{ DRAIN_TIMEOUT_MS: '25' }, 'DRAIN_TIMEOUT_MS is "25"; expected a whole number from 1000 to 600000.'],
    [
      { DEFAULT_ASSET: '../secret.mp4' },
      'DEFAULT_ASSET is "../secret.mp4"; expected a file in the folder of assets, such as clip.mp4 or trailers/clip.mp4, or s3://bucket/key.',
    ],
    [{ AWS_REGION: 'Frankfurt' }, 'AWS_REGION is "Frankfurt"; expected a region such as eu-central-1.'],
    [
      { GRAPHQL_API_URL: 'https://ada:pass@api/graphql' },
      'GRAPHQL_API_URL is "https://[redacted]@api/graphql"; expected an address that begins with https:// or http://, without a user name or password.',
    ],
    [
      { DEFAULT_ASSET: 's3://bucket/' },
      'DEFAULT_ASSET is "s3://bucket/"; expected a key of 1 to 1024 bytes after the bucket.',
    ],
    [
      { ASSET_CACHE_MB: '100', MAX_ASSET_MB: '101' },
      'ASSET_CACHE_MB is "100"; expected at least MAX_ASSET_MB, which is 101.',
    ],
    [{ MAX_ASSET_MB: '0' }, 'MAX_ASSET_MB is "0"; expected a whole number from 1 to 1000000.'],
    [
      { AWS_ENDPOINT_URL_IVS_REALTIME: '127.0.0.1:4100' },
      'AWS_ENDPOINT_URL_IVS_REALTIME is "127.0.0.1:4100"; expected an address that begins with https:// or http://, without a user name or password.',
    ],
    [
      { PARTICIPANT_TOKEN: 'T' },
      'PARTICIPANT_TOKEN is set to something else (not shown); expected none, since GRAPHQL_API_URL is set and invites come from there.',
    ],
    [
      { STAGE_PUBLIC_KEY_ARN: ARN },
      'STAGE_PRIVATE_KEY is not set; expected the private key that belongs to STAGE_PUBLIC_KEY_ARN, or STAGE_PRIVATE_KEY_FILE.',
    ],
    [
      { STAGE_PUBLIC_KEY_ARN: ARN, STAGE_PRIVATE_KEY: 'not a key' },
      'STAGE_PRIVATE_KEY is set to something else (not shown); expected a private key in PEM, of the curve P-384.',
    ],
    [
      { STAGE_PUBLIC_KEY_ARN: ARN, STAGE_PRIVATE_KEY: pemOf('P-256', 'pkcs8') },
      'STAGE_PRIVATE_KEY is set to something else (not shown); expected a private key in PEM, of the curve P-384.',
    ],
    [
      { STAGE_PRIVATE_KEY: pemOf('P-384', 'pkcs8') },
      'STAGE_PUBLIC_KEY_ARN is not set; expected the ARN of the public key that belongs to the private key.',
    ],
    [
      { STAGE_PUBLIC_KEY_ARN: ARN, STAGE_PRIVATE_KEY_FILE: '/no/such/file' },
      'STAGE_PRIVATE_KEY_FILE is "/no/such/file"; expected a readable file that holds a private key in PEM, of the curve P-384.',
    ],
  ])('refuses %j', (env, sentence) => {
    expect(problemsOf({ ...API, ...env })).toBe(sentence);
  });

  it('refuses to start with nobody who could invite, save where that is not needed', () => {
    const sentence =
      'GRAPHQL_API_URL is not set; expected the address of the GraphQL API that invites, or PARTICIPANT_TOKEN instead.';
    expect(problemsOf({})).toBe(sentence);
    expect(problemsOf({ PARTICIPANT_TOKEN: 'T' })).toBe('none');
    expect(problemsOf({}, { invites: false })).toBe('none');
    expect(problemsOf({ ...API, PARTICIPANT_TOKEN: 'T' }, { invites: false })).toBe('none');
  });

  it('asks for a region where there is no API key', () => {
    expect(problemsOf({ GRAPHQL_API_URL: API.GRAPHQL_API_URL })).toBe(
      'AWS_REGION is not set; expected the region of the GraphQL API, since without GRAPHQL_API_KEY requests are signed with IAM.',
    );
  });

  it('shows no participant token that was put into the wrong setting', () => {
    const token = `eyJhbGciOiJFUzM4NCJ9.eyJleHAiOjF9.${'c2ln'.repeat(32)}`;
    expect(problemsOf({ ...API, VP_ID: token })).toBe(
      'VP_ID is "[redacted]"; expected 1 to 128 letters, digits or . _ : -, the first a letter or digit.',
    );
  });

  it.each(['pkcs8', 'sec1'] as const)(
    'reads a key pair in %s, with its lines as they are or divided by \\n',
    (type) => {
      const pem = pemOf('P-384', type);
      const flat = pem.trim().replaceAll('\n', '\\n');
      const keys = [pem, flat].map(
        (text) => readConfig({ ...API, STAGE_PUBLIC_KEY_ARN: ARN, STAGE_PRIVATE_KEY: text }).stageKeyPair,
      );
      const texts = keys.map((key) => [key?.publicKeyArn, key?.privateKey.export({ type, format: 'pem' })]);
      expect(texts).toEqual([
        [ARN, pem],
        [ARN, pem],
      ]);
    },
  );

  it('reads a private key from a file, and refuses to choose between the two', () => {
    const pem = pemOf('P-384', 'pkcs8');
    const file = join(folder, 'key.pem');
    writeFileSync(file, pem);
    const env = { ...API, STAGE_PUBLIC_KEY_ARN: ARN, STAGE_PRIVATE_KEY_FILE: file };

    expect(readConfig(env).stageKeyPair?.privateKey.export({ type: 'pkcs8', format: 'pem' })).toBe(pem);
    expect(problemsOf({ ...env, STAGE_PRIVATE_KEY: pem })).toBe(
      `STAGE_PRIVATE_KEY_FILE is "${file}"; expected none, since STAGE_PRIVATE_KEY is set.`,
    );
  });
});

describe('SETTINGS', () => {
  it('lists every variable that is read, and none besides', () => {
    const read = new Set<string>();
    const env = new Proxy(API as NodeJS.ProcessEnv, {
      get(target, name) {
        read.add(String(name));
        return target[String(name)];
      },
    });
    readConfig(env);
    expect([...read].sort()).toEqual(SETTINGS.map(({ name }) => name).sort());
  });

  it('marks what must never be shown', () => {
    expect(SETTINGS.filter(({ isSecret }) => isSecret).map(({ name }) => name)).toEqual([
      'GRAPHQL_API_KEY',
      'PARTICIPANT_TOKEN',
      'STAGE_PRIVATE_KEY',
    ]);
  });
});
