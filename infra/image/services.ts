/**
 * What stands beside the image when it is verified, in the same network namespace: the local stage, the local AppSync, a viewer in a
 * Chromium, and who invites. It prints its news (see `News`) as lines of JSON and ends after the virtual participant has left and
 * stopped, when something fails, or with its standard input.
 */
import '../local/quiet-aws-sdk.ts';

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { CreateParticipantTokenCommand, CreateStageCommand, IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';
import { launchChromium } from '../../server/chromium/launch.ts';
import { DEFAULT_API_KEY } from '../local/appsync/server.ts';
import { watch } from '../local/demo/control.ts';
import { measureInvite, untilGone } from '../local/demo/measure.ts';
import { servePages } from '../local/demo/page-server.ts';
import { startLocalServices } from '../local/services.ts';
import { type News, VP_ID } from './news.ts';

/** The image is started meanwhile, by a machine that may be slow. */
const AVAILABLE_TIMEOUT_MS = 120_000;
/** Whoever drives this stops the image when it has heard `watched`; a container gets 30 s for it. */
const STOPPED_TIMEOUT_MS = 60_000;

const tell = (news: News) => process.stdout.write(`${JSON.stringify(news)}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { 'idle-ms': { type: 'string', default: '0' }, 'watch-ms': { type: 'string', default: '5000' } },
  });
  const services = await startLocalServices({ log: (line) => process.stderr.write(`${line}\n`) });
  const ivs = new IVSRealTimeClient({
    region: 'us-west-2',
    endpoint: services.stage.url,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const [control, { stage }, chromium] = await Promise.all([
    watch(services.appSync.url, DEFAULT_API_KEY, VP_ID),
    ivs.send(new CreateStageCommand({ name: 'image' })),
    launchChromium(),
  ]);
  const stageArn = stage?.arn ?? '';
  const token = async () => {
    const { participantToken } = await ivs.send(
      new CreateParticipantTokenCommand({ stageArn, userId: 'viewer', capabilities: ['SUBSCRIBE'] }),
    );
    return { token: participantToken?.token };
  };
  const settings = async () => ({ stagePageUrl: services.stage.url, graphqlUrl: services.appSync.url });
  const pages = await servePages({ port: 0, api: { settings, token } });
  const page = await chromium.browser.newPage();
  await page.goto(`${pages.url}/demo/?once`);
  await page.waitForFunction('window.demo !== undefined', { timeout: 30_000 });

  control.onSeen(({ status, epoch }) => tell({ type: 'status', status, epoch }));
  tell({ type: 'ready', settings: { ...services.environment, VP_ID } });
  await control.until('AVAILABLE', ({ status }) => status === 'AVAILABLE', AVAILABLE_TIMEOUT_MS);
  await delay(Number(values['idle-ms']));
  tell({ type: 'inviting' });
  const { figures, participantId } = await measureInvite({
    control,
    page,
    vpId: VP_ID,
    stageArn,
    assetName: null,
    watchMs: Number(values['watch-ms']),
  });
  const gone = untilGone(page, participantId, STOPPED_TIMEOUT_MS).then(() => tell({ type: 'left' }));
  const stopped = control.until('STOPPED', ({ status }) => status === 'STOPPED', STOPPED_TIMEOUT_MS);
  tell({ type: 'watched', figures });
  await Promise.all([gone, stopped]);
  await chromium.close();
}

// Nobody is left to listen: whoever drove this has ended, however it came to it.
process.stdin.on('end', () => process.exit(1)).resume();
process.once('SIGTERM', () => process.exit(1));

main().then(
  () => process.exit(),
  (error: Error) => {
    tell({ type: 'failed', message: error.message });
    process.exit(1);
  },
);
