import { randomBytes } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import type { VpStats } from '../machines/protocol.ts';
import { version } from '../package.json';
import { createAppSyncClient } from './appsync/client.ts';
import { type ControlPlane, createControlPlane } from './appsync/control-plane.ts';
import { createAssets } from './assets/assets.ts';
import { BYTES_PER_MB } from './assets/s3/failures.ts';
import { createS3Assets } from './assets/s3/s3-assets.ts';
import { ChromiumError } from './chromium/errors.ts';
import { launchChromium } from './chromium/launch.ts';
import type { Protection } from './chromium/protection.ts';
import { openSupervisedPage, type SupervisedPage } from './chromium/supervised-page.ts';
import { type Config, readConfig } from './config.ts';
import { readTaskId } from './ecs/agent.ts';
import { createTaskProtection } from './ecs/task-protection.ts';
import { StartError } from './errors.ts';
import { startHealth } from './health/health.ts';
import { startInspect } from './inspect/inspect.ts';
import { createAwsIvs } from './ivs/aws-ivs.ts';
import { createLog, type Log } from './log.ts';
import { startMetrics } from './metrics/metrics.ts';
import { startPageServer } from './page/page-server.ts';
import { startParticipant } from './participant/participant.ts';
import { soloControlPlane, soloIvs } from './participant/solo.ts';
import { serveWebSocketApi } from './websocket/server.ts';

/** Exit codes, for whoever restarts the process. */
const EXIT = { STOPPED: 0, FAILED: 1, REPLACED: 3 } as const;
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
/** Beside the built server, and of the sources where `npm run build` puts it. */
const PAGE_DIR = fileURLToPath(
  new URL(import.meta.url.endsWith('/dist/server/main.js') ? '../browser/' : '../dist/browser/', import.meta.url),
);
/** A page that has not been there for so long is not coming back by itself. */
const DEAD_PAGE_MS = 60_000;
/** For ECS to tell the id of its task; Chromium needs about as long. */
const TASK_ID_TIMEOUT_MS = 1_000;

/** The container's entry: everything that one virtual participant needs, from the environment. */
async function main(): Promise<void> {
  let config = readConfig(process.env);
  // There is nothing to leave yet.
  const exit = () => void giveUp(EXIT.STOPPED);
  for (const signal of SIGNALS) process.on(signal, exit);
  // The browser takes longest to start, so it starts first.
  const launch = (signal?: AbortSignal) =>
    launchChromium({
      ...(config.chromiumPath !== null && { executablePath: config.chromiumPath }),
      ...(config.chromiumLauncher !== null && { launcher: config.chromiumLauncher }),
      ...(signal && { signal }),
    });
  const firstChromium = launch(starting.signal).catch((error: unknown) => {
    if (config.chromiumPath === null || !(error instanceof ChromiumError)) throw error;
    const given = JSON.stringify(config.chromiumPath);
    throw new StartError(`PUPPETEER_EXECUTABLE_PATH is ${given}; expected a Chromium. ${error.message}`);
  });
  closeFirstChromium = firstChromium.then(
    (chromium) => () => chromium.close(),
    () => async () => {},
  );

  const { taskMetadataUrl } = config;
  const taskId = taskMetadataUrl === null ? null : await readTaskId(taskMetadataUrl, TASK_ID_TIMEOUT_MS);
  if (taskId !== null) config = { ...config, vpId: `vp-${taskId}` };
  let epochOf = () => 0;
  const log = createLog(config, { epoch: () => epochOf() });
  if (taskMetadataUrl !== null && taskId === null) log.warn('ECS did not tell the id of its task; the host names it.');
  const protection = config.ecsAgentUrl === null ? null : createTaskProtection({ agentUrl: config.ecsAgentUrl, log });

  const s3 = createS3Assets({
    cacheDir: config.assetCacheDir,
    maxCacheBytes: config.assetCacheMb * BYTES_PER_MB,
    maxAssetBytes: config.maxAssetMb * BYTES_PER_MB,
    // A little less than the machine does, so that it is told what the wait was for.
    waitMs: config.delays.prepareTimeout * 0.95,
    onDownloaded: ({ name, bytes, timeMs }) => log.info({ asset: name, bytes, timeMs }, 'asset downloaded'),
  });
  const assets = createAssets({ dir: config.assetsDir, defaultAsset: config.defaultAsset, s3 });
  assets.fetchAhead().catch((error: unknown) => log.warn({ err: error }, 'The default asset could not be fetched.'));
  const onError = (error: unknown) => log.error(error, 'The web server of the page failed.');
  const web = await startPageServer({ port: config.pagePort, pageDir: PAGE_DIR, assets, onError });
  const secret = randomBytes(24).toString('base64url');
  const inspect =
    config.inspectPort === null
      ? null
      : await startInspect({
          port: config.inspectPort,
          secret,
          log: (level, message, fields) => log[level](fields, message),
        });
  let page: SupervisedPage | null = null;
  const control = controlPlaneOf(config, log, () => page?.isAlive() ?? false);
  const participant = startParticipant({
    vpId: config.vpId,
    delays: config.delays,
    control,
    ivs:
      config.participantToken === null
        ? createAwsIvs({ stageKeyPair: config.stageKeyPair })
        : soloIvs(config.participantToken),
    assets,
    page: {
      reload: async () => page?.reload(),
      kill: async () => page?.kill(),
    },
    onProblem: (what, error) => log.warn({ err: error }, `${what} failed`),
    onStatus: (report) => log.info({ status: report.status, reason: report.reason, failure: report.failure }, 'status'),
    onState: (state) => {
      log.debug({ state }, 'machine state');
      protection?.hold(state !== 'available' && state !== 'stopped');
    },
    ...(inspect && { inspect: inspect.inspect }),
    onOwnerLost: () => {
      log.error('Another process has taken over this id; leaving.');
      void stop('REPLACED', EXIT.REPLACED);
    },
  });
  epochOf = () => participant.actor.getSnapshot().context.epoch;
  const { vpId, metricsNamespace: namespace } = config;
  const metrics = startMetrics({ vpId, version, namespace, log, actor: participant.actor });

  const api = await serveWebSocketApi({
    actor: participant.actor,
    port: config.webSocketPort,
    origins: [web.origin],
    secret,
    log: (level, message, fields) => log[level](fields, message),
    onStats: (stats) => {
      participant.noteSource(stats.source ?? null);
      metrics.onStats(stats);
      logStats(log, stats);
    },
  });

  let lastAliveMs = Date.now();
  const health = await startHealth({
    port: config.healthPort,
    live: {
      page: () => {
        if (page?.isAlive()) lastAliveMs = Date.now();
        return Date.now() - lastAliveMs < DEAD_PAGE_MS ? null : 'The page has not answered for a minute.';
      },
    },
    ready: {
      control: () => (participant.isOnline() ? null : 'The control plane is out of reach.'),
      page: () => (page?.isAlive() ? null : 'The page is not there.'),
      process: () => (participant.isDraining() ? 'It is shutting down.' : null),
    },
    metrics: metrics.page,
  });
  page = await openSupervisedPage({
    url: `${web.origin}/`,
    handover: {
      webSocketUrl: api.url,
      secret,
      maxVideoBitrateKbps: config.maxVideoBitrateKbps,
      ...(inspect && { inspectUrl: inspect.url }),
    },
    listener: {
      onLoading: () => participant.actor.send({ type: 'page.loading' }),
      onLost: (reason) => {
        log.warn({ reason }, 'The page was lost.');
        participant.actor.send({ type: 'page.lost', reason: 'PAGE_LOST' });
      },
      onLog: (level, text) => log[level]({ from: 'page' }, text),
    },
    launch: (signal) => (page === null ? firstChromium : launch(signal)),
  });
  logProtection(log, (await firstChromium).protection);
  log.info({ page: web.origin, webSocket: api.url, healthPort: health.port, inspect: inspect?.url }, 'started');

  let stopping = false;
  async function stop(reason: string, code: number): Promise<void> {
    if (stopping) return;
    stopping = true;
    log.info({ reason }, 'stopping');
    await participant.drain(reason);
    metrics.close();
    s3.close();
    protection?.close();
    await Promise.all([api.close(), page?.close(), web.close(), health.close(), inspect?.close(), control.close()]);
    log.info({ reason }, 'stopped');
    process.exit(code);
  }
  for (const signal of SIGNALS) {
    process.off(signal, exit);
    process.on(signal, () => (stopping ? process.exit(EXIT.FAILED) : void stop(signal, EXIT.STOPPED)));
  }
}

function controlPlaneOf(config: Config, log: Log, isAlive: () => boolean): ControlPlane {
  const { graphqlApiUrl, graphqlApiKey, awsRegion, vpId } = config;
  if (graphqlApiUrl === null) return soloControlPlane(vpId);
  const client = createAppSyncClient({
    url: graphqlApiUrl,
    ...(graphqlApiKey !== null && { apiKey: graphqlApiKey }),
    ...(awsRegion !== null && { region: awsRegion }),
  });
  return createControlPlane({ id: vpId, client, isAlive, log });
}

function logProtection(log: Log, { sandbox, secondUser, problem }: Protection): void {
  const fields = { sandbox, secondUser, ...(problem !== null && { problem }) };
  if (sandbox || secondUser) log.info(fields, 'Chromium is kept apart from the server.');
  else {
    const unprotected = 'Chromium runs without its sandbox, and as the user of the server';
    log.warn(fields, `${unprotected}; SECURITY.md says why, and what stands in its place.`);
  }
}

function logStats(log: Log, { state, epoch, frames, bytes, fps, mediaTimeMs, loops, rejoins }: VpStats): void {
  log.debug({ state, epoch, frames, bytes, fps, mediaTimeMs, loops, rejoins }, 'page stats');
}

const starting = new AbortController();
let closeFirstChromium: Promise<() => Promise<void>> = Promise.resolve(async () => {});

/** Exits without a Chromium or its profile left behind, also if it was just about to be started. */
async function giveUp(code: number): Promise<void> {
  starting.abort();
  await (await closeFirstChromium)().catch(() => {});
  process.exit(code);
}

main().catch((error: unknown) => {
  const isExpected = error instanceof StartError || error instanceof ChromiumError;
  process.stderr.write(`${isExpected ? error.message : error instanceof Error ? error.stack : error}\n`);
  return giveUp(EXIT.FAILED);
});
