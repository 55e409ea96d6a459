import { spawn } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import {
  type AppSyncServer,
  DEFAULT_API_KEY,
  DEFAULT_CREDENTIALS,
  startAppSync,
} from '../infra/local/appsync/server.ts';
import { ALL_FIELDS, createTestClient, type TestClient } from '../infra/local/appsync/testing/client.ts';
import type { VpStatus } from '../machines/status.ts';
import { createAppSyncClient } from '../server/appsync/client.ts';
import { type ControlPlane, createControlPlane, type Report, type VpRecord } from '../server/appsync/control-plane.ts';
import type { AppSyncError } from '../server/appsync/errors.ts';

const REGION = 'eu-west-1';
const STAGE = 'arn:aws:ivs:eu-west-1:123456789012:stage/abcdABCD1234';

let api: AppSyncServer;
let people: TestClient;
const hands: Hand[] = [];

/** A control plane with what it told, and waits for it. */
class Hand {
  readonly events: string[] = [];
  readonly lines: string[] = [];
  readonly controlPlane: ControlPlane;
  record: VpRecord | null = null;
  #onChange: () => void = () => {};

  constructor(id: string, options: { apiKey?: string; isAlive?: () => boolean } = {}) {
    const { apiKey, isAlive = () => true } = options;
    const line = (level: string) => (_fields: object, message: string) => {
      this.lines.push(`${level} ${message}`);
      this.#onChange();
    };
    const tell = (event: string) => {
      this.events.push(event);
      this.#onChange();
    };
    this.controlPlane = createControlPlane({
      id,
      client: createAppSyncClient({
        url: api.url,
        ...(apiKey ? { apiKey } : { region: REGION, credentials: async () => DEFAULT_CREDENTIALS }),
      }),
      isAlive,
      log: { debug: () => {}, info: line('info'), warn: line('warn'), error: line('error') },
    });
    this.controlPlane.start({
      onOnline: () => tell('online'),
      onOffline: () => tell('offline'),
      onRecord: (record) => {
        this.record = record;
        this.#onChange();
      },
      onOwnerLost: () => tell('owner lost'),
    });
    hands.push(this);
  }

  report(status: VpStatus, epoch: number, fields: Partial<Report> = {}) {
    return this.controlPlane.report({ status, epoch, participantId: null, reason: null, failure: null, ...fields });
  }

  /** Waits until `condition` holds, looking whenever something was told. */
  async until(condition: () => boolean, limitMs = 20_000): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve, reject) => {
      const said = () => `${condition} did not come to hold: ${this.events}; ${this.lines}`;
      timer = setTimeout(() => reject(new Error(said())), limitMs);
      this.#onChange = () => condition() && resolve();
      this.#onChange();
    });
    clearTimeout(timer);
    this.#onChange = () => {};
  }

  isOnline(): boolean {
    return this.events.at(-1) === 'online';
  }
}

/** Online, and AVAILABLE. */
async function available(id: string, options?: ConstructorParameters<typeof Hand>[1]): Promise<Hand> {
  const hand = new Hand(id, options);
  await hand.until(() => hand.isOnline());
  expect(await hand.report('AVAILABLE', 0)).toBe('taken');
  return hand;
}

beforeEach(async () => {
  api = await startAppSync({ port: 0 });
  people = createTestClient(api.url, { apiKey: DEFAULT_API_KEY });
});

afterEach(async () => {
  await Promise.all(hands.splice(0).map(({ controlPlane }) => controlPlane.close()));
  people.stop();
  await api.close();
});

describe('Control plane on AppSync', () => {
  test('takes a virtual participant through an invite and a kick whose callers select nothing but its id', async () => {
    const hand = await available('vp-1');
    const attributes = [{ name: 'role', value: 'guest' }];
    const input = { id: 'vp-1', stageArn: STAGE, userId: 'u1', attributes, assetName: 'a.mp4', loop: false };
    await people.invite({ ...input, maxDurationSeconds: 60 }, 'id');
    await hand.until(() => hand.record?.status === 'INVITED', 2_000);
    const { version, updatedAt, lastSeenAt, ...record } = hand.record ?? {};
    expect(record).toEqual({
      id: 'vp-1',
      status: 'INVITED',
      epoch: 1,
      stageArn: STAGE,
      participantId: null,
      userId: 'u1',
      attributes: { role: 'guest' },
      assetName: 'a.mp4',
      loop: false,
      maxDurationSeconds: 60,
      source: null,
      reason: null,
      failure: null,
    });
    expect(await hand.report('PUBLISHED', 1, { participantId: 'p1', source: 'capture' })).toBe('taken');
    await people.kick({ id: 'vp-1', reason: 'over' }, 'id');
    await hand.until(() => hand.record?.status === 'KICKED', 2_000);
    const { status, reason, participantId, source } = hand.record ?? {};
    expect({ status, reason, participantId, source }).toEqual({
      status: 'KICKED',
      reason: 'over',
      participantId: 'p1',
      source: 'capture',
    });
    expect(await hand.report('AVAILABLE', 1)).toBe('taken');
  });

  test('tells everyone who watches each status in its order', async () => {
    const hand = await available('vp-1');
    const watch = people.watch(`subscription Watch { onVirtualParticipantChanged { ${ALL_FIELDS} } }`);
    await watch.ready;
    await people.invite({ id: 'vp-1', stageArn: STAGE });
    await hand.until(() => hand.record?.status === 'INVITED', 2_000);
    const failure = { code: 'JOIN_FAILED', origin: 'network', retryable: true, message: 'It was cut.' } as const;
    for (const status of ['CONNECTED', 'PUBLISHED', 'CONNECTED', 'PUBLISHED', 'INVITED'] as const) {
      expect(await hand.report(status, 1)).toBe('taken');
    }
    const ends = [hand.report('ERRORED', 1, { failure }), hand.report('AVAILABLE', 1)];
    expect(await Promise.all(ends)).toEqual(['taken', 'taken']);
    const seen: unknown[] = [];
    while (seen.length < 8) {
      const { data } = await watch.next();
      seen.push((data as { status: string }).status);
    }
    expect(seen).toEqual([
      'INVITED',
      'CONNECTED',
      'PUBLISHED',
      'CONNECTED',
      'PUBLISHED',
      'INVITED',
      'ERRORED',
      'AVAILABLE',
    ]);
  });

  test('takes no report of an epoch that is over', async () => {
    const hand = await available('vp-1');
    for (const epoch of [1, 2]) {
      await people.invite({ id: 'vp-1', stageArn: STAGE });
      await hand.until(() => hand.record?.epoch === epoch && hand.record.status === 'INVITED', 2_000);
      if (epoch === 2) break;
      await people.kick({ id: 'vp-1' });
      await hand.until(() => hand.record?.status === 'KICKED', 2_000);
      expect(await hand.report('AVAILABLE', 1)).toBe('taken');
    }
    expect(await hand.report('PUBLISHED', 1)).toBe('stale');
    expect((await people.get('vp-1'))?.['status']).toBe('INVITED');
  });

  test('goes on where it was when the API was away, and tells what happened meanwhile', async () => {
    const hand = await available('vp-1');
    await people.invite({ id: 'vp-1', stageArn: STAGE });
    await hand.until(() => hand.record?.status === 'INVITED', 2_000);
    await api.goDown();
    await hand.until(() => hand.events.at(-1) === 'offline', 2_000);
    const told = hand.report('CONNECTED', 1);
    await api.comeUp();
    await hand.until(() => hand.isOnline());
    expect([await told, hand.events]).toEqual(['taken', ['online', 'offline', 'online']]);
    expect(api.connectionCount()).toBe(1);
  });

  test('finds the invite that came while it was not subscribed', async () => {
    const hand = await available('vp-1');
    for (let cut = 0; cut < 3; cut += 1) {
      api.cutConnections();
      await hand.until(() => !hand.isOnline(), 2_000);
      if (cut === 2) await people.invite({ id: 'vp-1', stageArn: STAGE }, 'id');
      await hand.until(() => hand.isOnline());
    }
    expect([hand.record?.status, hand.record?.epoch]).toEqual(['INVITED', 1]);
    expect(api.connectionCount()).toBe(1);
  });

  test('is offline while the API is silent, and online again when it speaks', async () => {
    const hand = await available('vp-1');
    api.goSilent();
    const told = hand.report('STOPPED', 0);
    await hand.until(() => !hand.isOnline(), 15_000);
    expect(hand.lines.filter((line) => line.startsWith('warn'))).toEqual([
      'warn A report was not taken: The GraphQL API did not answer within 2 s. It is tried again.',
      'warn The control plane is offline.',
    ]);
    api.speakAgain();
    await hand.until(() => hand.isOnline());
    expect(await told).toBe('taken');
  });

  test.each([
    ['IAM', {}],
    ['an API key', { apiKey: 'da2-of-somebody-else' }],
  ])('says once that it is not authorized by %s, without the key, and registers when it is', async (_, options) => {
    api.refuseAll();
    const hand = new Hand('vp-1', options);
    await hand.until(() => hand.lines.length > 0);
    expect(hand.lines).toEqual([
      'error Not registered: The GraphQL API refused the caller (UnauthorizedException). Check GRAPHQL_API_KEY; ' +
        'without it, whether the AWS credentials allow appsync:GraphQL. It is tried again.',
    ]);
    if ('apiKey' in options) return;
    api.admitAgain();
    await hand.until(() => hand.isOnline());
  });

  test('says that an API key may not register', async () => {
    const hand = new Hand('vp-1', { apiKey: DEFAULT_API_KEY });
    await hand.until(() => hand.lines.length > 0);
    expect(hand.lines[0]).toMatch(/^error Not registered: The GraphQL API refused the caller \(Unauthorized\)\./);
  });

  test('is offline when it is not authorized any more, and online when it is again', async () => {
    const hand = await available('vp-1');
    api.refuseAll();
    api.cutConnections();
    await hand.until(() => !hand.isOnline(), 2_000);
    await hand.until(() => hand.lines.some((line) => line.includes('refused the caller')), 5_000);
    api.admitAgain();
    await hand.until(() => hand.isOnline());
  });

  test('is told at once that a subscription is not authorized', async () => {
    api.refuseAll();
    const client = createAppSyncClient({ url: api.url, region: REGION, credentials: async () => DEFAULT_CREDENTIALS });
    const document = 'subscription Watch($id: ID!) { onVirtualParticipantChanged(id: $id) { id } }';
    const { kind, code } = await new Promise<AppSyncError>((resolve) => {
      client.subscribe(document, { id: 'vp-1' }, { onReady: () => {}, onDelivery: () => {}, onLost: resolve });
    });
    await client.close();
    expect({ kind, code }).toEqual({ kind: 'unauthorized', code: 'UnauthorizedException' });
  });

  test('makes the first of two owners leave, at once', async () => {
    const first = await available('vp-1');
    const second = new Hand('vp-1');
    await first.until(() => first.events.at(-1) === 'owner lost', 3_000);
    await second.until(() => second.isOnline());
    expect([await first.report('AVAILABLE', 0), await second.report('AVAILABLE', 0)]).toEqual(['stale', 'taken']);
    expect(first.events).toEqual(['online', 'offline', 'owner lost']);
  });

  test('ends the invite of the owner before, and goes on from its epoch', async () => {
    const first = await available('vp-1');
    await people.invite({ id: 'vp-1', stageArn: STAGE });
    await first.until(() => first.record?.status === 'INVITED', 2_000);
    const second = await available('vp-1');
    await first.until(() => first.events.at(-1) === 'owner lost', 3_000);
    expect([second.record?.status, second.record?.epoch]).toEqual(['AVAILABLE', 2]);
  });
});

describe('A process with IAM credentials', () => {
  const cache = fileURLToPath(new URL('../node_modules/.cache/virtual-participant-e2e/', import.meta.url));
  const program = `${cache}control-plane-process.mjs`;

  beforeAll(async () => {
    await mkdir(cache, { recursive: true });
    // Jest's modules load what Node's own do not, so that this is to run without Jest and without a loader.
    await build({
      entryPoints: [fileURLToPath(new URL('support/control-plane-process.ts', import.meta.url))],
      outfile: program,
      bundle: true,
      packages: 'external',
      platform: 'node',
      format: 'esm',
      logLevel: 'error',
    });
  });

  afterAll(() => rm(cache, { recursive: true, force: true }));

  const run = (url: string, task: string) => {
    const child = spawn(process.execPath, [program, task], {
      env: {
        PATH: process.env['PATH'] ?? '',
        GRAPHQL_API_URL: url,
        AWS_REGION: REGION,
        AWS_ACCESS_KEY_ID: DEFAULT_CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: DEFAULT_CREDENTIALS.secretAccessKey,
        AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 20_000,
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text));
    return new Promise<{ code: number | null; lines: string[]; exitMs: number }>((resolve) => {
      child.on('close', (code) => {
        const exitMs = Number(/exit after (\d+) ms/.exec(output)?.[1] ?? Number.NaN);
        const lines = output.split('\n').filter((line) => line !== '' && !line.startsWith('exit after'));
        resolve({ code, lines, exitMs });
      });
    });
  };

  test('goes online, tells, and ends by itself within 2 s of its close', async () => {
    const { code, lines, exitMs } = await run(api.url, 'report');
    expect({ code, lines }).toEqual({
      code: 0,
      lines: ['Registered "vp-process" at epoch 0.', 'The control plane is online.', 'report taken'],
    });
    expect(exitMs).toBeLessThan(2_000);
    expect((await people.get('vp-process'))?.['status']).toBe('AVAILABLE');
  });

  test.each([
    ['start', 'down'],
    ['start', 'silent'],
    ['subscribe', 'down'],
    ['subscribe', 'silent'],
    ['subscribe', 'there'],
  ])('ends by itself within 2 s of its close, after %s with the API %s', async (task, state) => {
    if (state === 'down') await api.goDown();
    if (state === 'silent') api.goSilent();
    const { code, exitMs } = await run(api.url, task);
    if (state === 'down') await api.comeUp();
    expect(code).toBe(0);
    expect(exitMs).toBeLessThan(2_000);
  });
});
