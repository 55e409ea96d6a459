import '../quiet-aws-sdk.ts';

import { basename, dirname } from 'node:path';
import { CreateParticipantTokenCommand, CreateStageCommand, IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';
import { isS3Name } from '../../../server/assets/names.ts';
import { launchChromium } from '../../../server/chromium/launch.ts';
import { DEFAULT_API_KEY } from '../appsync/server.ts';
import { startLocalServices } from '../services.ts';
import { BUILT, buildAll } from './build.ts';
import { type Control, now, watch } from './control.ts';
import { measureOnce, medians, type RunFigures } from './measure.ts';
import type { DemoNews, DemoSettings } from './news.ts';
import { openInBrowser } from './open-in-browser.ts';
import { type DemoOptions, readOptions, USAGE } from './options.ts';
import { type PageServer, servePages } from './page-server.ts';
import { Progress } from './progress.ts';
import { startVirtualParticipant } from './virtual-participant.ts';

const VP_ID = 'demo';
const AVAILABLE_TIMEOUT_MS = 30_000;

const say = (line: string) => process.stderr.write(`${line}\n`);

async function main(): Promise<void> {
  const options = await readOptions();
  say('Building the pages and the server …');
  const [services] = await Promise.all([
    startLocalServices({ stagePort: 0, stageControlPort: 0, appSyncPort: 0, s3Port: 0, log: say }),
    buildAll(),
  ]);
  const closers = [() => services.close()];
  const close = async () => {
    for (const step of closers.splice(0).reverse()) await step();
  };
  const interrupted = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });

  try {
    const progress = new Progress();
    const participant = startVirtualParticipant({
      program: BUILT.server,
      environment: {
        ...services.environment,
        VP_ID,
        ...(isS3Name(options.asset)
          ? { DEFAULT_ASSET: options.asset }
          : { ASSETS_DIR: dirname(options.asset), DEFAULT_ASSET: basename(options.asset) }),
        LOG_LEVEL: 'debug',
        ...PORTS,
      },
      onLog: (line) => progress.note(line),
      onText: say,
    });
    closers.push(async () => {
      await participant.stop();
    });
    const died = participant.exited.then((code) => {
      throw new Error(`The virtual participant ended with code ${code}: ${progress.lastProblem ?? 'see its log'}`);
    });
    died.catch(() => {});

    const ivs = new IVSRealTimeClient({
      region: 'us-west-2',
      endpoint: services.stage.url,
      credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    });
    const [control, { stage }] = await Promise.all([
      watch(services.appSync.url, DEFAULT_API_KEY, VP_ID),
      ivs.send(new CreateStageCommand({ name: 'demo' })),
    ]);
    closers.push(() => control.close());
    const stageArn = stage?.arn ?? '';
    const newViewerToken = async () => {
      const { participantToken } = await ivs.send(
        new CreateParticipantTokenCommand({ stageArn, userId: 'viewer', capabilities: ['SUBSCRIBE'] }),
      );
      return { token: participantToken?.token };
    };
    const settings: DemoSettings = { stagePageUrl: services.stage.url, graphqlUrl: services.appSync.url };
    const pages = await servePages({
      port: options.port,
      api: { settings: async () => settings, token: newViewerToken, ...buttons(control, stageArn) },
      streams: { events: (send) => newsTo(send, control, progress) },
    });
    closers.push(() => pages.close());

    say('Waiting for the virtual participant …');
    const available = control.until('AVAILABLE', ({ status }) => status === 'AVAILABLE', AVAILABLE_TIMEOUT_MS);
    await Promise.race([available, died, interrupted]);

    if (options.once)
      await Promise.race([measureAll(options, { control, pages, stageArn, progress }), died, interrupted]);
    else await show(pages, Promise.race([died, interrupted]));
  } finally {
    await close();
  }
}

/** The virtual participant takes any free port, so that the demo runs beside whatever else does. */
const PORTS = { PAGE_PORT: '0', WEBSOCKET_PORT: '0', HEALTH_PORT: '0', INSPECT: '0' };

function buttons(control: Control, stageArn: string) {
  return {
    invite: async () => {
      invitedAt = now();
      for (const listener of inviteListeners) listener(invitedAt);
      return { epoch: await control.invite({ id: VP_ID, stageArn, assetName: null }) };
    },
    kick: async () => {
      await control.kick(VP_ID);
      return {};
    },
  };
}

let invitedAt: number | null = null;
const inviteListeners = new Set<(atMs: number) => void>();

function newsTo(send: (news: DemoNews) => void, control: Control, progress: Progress): () => void {
  const onInvited = (atMs: number) => send({ type: 'invited', atMs });
  const onSeen = ({ status, epoch, reason, failure, atMs }: NonNullable<ReturnType<Control['present']>>) =>
    send({ type: 'status', status, epoch, reason, failure: failure?.message ?? null, atMs });
  if (invitedAt !== null) onInvited(invitedAt);
  const seen = control.present();
  if (seen !== null) onSeen(seen);
  inviteListeners.add(onInvited);
  const stopSeen = control.onSeen(onSeen);
  const stopMachines = progress.onMachine((machine, state) => send({ type: 'machine', machine, state }));
  return () => {
    inviteListeners.delete(onInvited);
    stopSeen();
    stopMachines();
  };
}

async function show(pages: PageServer, ended: Promise<unknown>): Promise<void> {
  const url = `${pages.url}/demo/`;
  say(`\n  Look at it:  ${url}\n\n  Ctrl-C ends it.`);
  openInBrowser(url);
  await ended;
  say('\nLeaving the stage …');
}

interface Measured {
  control: Control;
  pages: PageServer;
  stageArn: string;
  progress: Progress;
}

async function measureAll(options: DemoOptions, { control, pages, stageArn, progress }: Measured): Promise<void> {
  const chromium = await launchChromium({ loopbackIce: true });
  try {
    const page = await chromium.browser.newPage();
    page.on('pageerror', (error) => say(`page: ${error instanceof Error ? error.message : error}`));
    await page.goto(`${pages.url}/demo/?once`);
    await page.waitForFunction('window.demo !== undefined', { timeout: 30_000 });
    const figures: RunFigures[] = [];
    for (let run = 1; run <= options.runs; run += 1) {
      const counted = () => progress.counted;
      const measured = await measureOnce({ control, page, vpId: VP_ID, stageArn, assetName: null, counted });
      figures.push(measured);
      say(`${run}/${options.runs}  ${JSON.stringify(measured)}`);
    }
    const result = figures.length > 1 ? medians(figures.slice(1)) : figures[0];
    process.stdout.write(`${options.json ? JSON.stringify(result) : table(result)}\n`);
  } finally {
    await chromium.close();
  }
}

function table(figures: RunFigures | undefined): string {
  return Object.entries(figures ?? {})
    .map(([name, value]) => `${name.padEnd(22)} ${Array.isArray(value) ? value.join(' × ') : value}`)
    .join('\n');
}

main().then(
  () => process.exit(),
  (error: Error & { code?: string }) => {
    say(error.message);
    if (error.code?.startsWith('ERR_PARSE_ARGS')) say(`\n${USAGE}`);
    process.exit(1);
  },
);
