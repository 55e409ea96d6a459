import '../quiet-aws-sdk.ts';

import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CreateParticipantTokenCommand, CreateStageCommand, IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';
import { startStage } from '../stage/server.ts';
import { measure } from './measure.ts';
import { openInBrowser } from './open-in-browser.ts';
import { buildPages, servePages } from './page-server.ts';

const USAGE = `npm run demo -- [options]
  --asset FILE   play a file of your own in place of the test card
  --once         without a person: one invite in headless Chromium, measured
  --runs N       with --once: so many invites; the figures are medians without the first
  --json         with --once: the last line is one JSON object
  --port N       of the demo's pages (default 3000; 0: any free one)`;

const DEFAULT_ASSET = fileURLToPath(new URL('../../../assets/counter.mp4', import.meta.url));

interface Options {
  asset: string;
  once: boolean;
  runs: number;
  json: boolean;
  port: number;
}

async function readOptions(): Promise<Options> {
  const { values } = parseArgs({
    options: {
      asset: { type: 'string' },
      once: { type: 'boolean', default: false },
      runs: { type: 'string', default: '1' },
      json: { type: 'boolean', default: false },
      port: { type: 'string' },
    },
  });
  const runs = wholeNumber('--runs', values.runs, 1, 1_000);
  const port = wholeNumber('--port', values.port ?? (values.once ? '0' : '3000'), 0, 65_535);
  const asset = values.asset === undefined ? DEFAULT_ASSET : resolve(process.env['INIT_CWD'] ?? '', values.asset);
  const isFile = await stat(asset).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) throw new Error(`--asset: there is no file ${asset}`);
  return { asset, once: values.once || runs > 1, runs, json: values.json, port };
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`${name}: expected a whole number from ${least} to ${most}, got "${text}"`);
}

async function main(): Promise<void> {
  const options = await readOptions();
  const say = (line: string) => process.stderr.write(`${line}\n`);
  say('Building the pages …');
  const [stage] = await Promise.all([startStage({ port: 0, controlPort: 0 }), buildPages()]);

  const ivs = new IVSRealTimeClient({
    region: 'us-east-1',
    endpoint: stage.url,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const created = await ivs.send(new CreateStageCommand({ name: 'demo' }));
  const stageArn = created.stage?.arn;
  const pages = await servePages({
    port: options.port,
    assets: [options.asset],
    api: {
      settings: async () => ({ asset: basename(options.asset), stagePageUrl: stage.url }),
      token: async (input) => {
        const userId = typeof input === 'object' && input && 'userId' in input ? String(input.userId) : 'somebody';
        const { participantToken } = await ivs.send(new CreateParticipantTokenCommand({ stageArn, userId }));
        return { token: participantToken?.token };
      },
    },
  });
  const close = async () => {
    await pages.close();
    await stage.close();
  };

  if (options.once) {
    try {
      await measure({ ...options, url: pages.url, say });
    } finally {
      await close();
    }
    return;
  }

  say(
    `\n  Look at it:   ${pages.url}/demo/   (in Chrome, Chromium or Edge)\n  The stage:    ${stage.url}\n\n  Ctrl-C ends it.`,
  );
  openInBrowser(`${pages.url}/demo/`);
  await new Promise((stopped) => {
    process.once('SIGINT', stopped);
    process.once('SIGTERM', stopped);
  });
  say('\nClosing …');
  await close();
}

main().then(
  () => process.exit(process.exitCode ?? 0),
  (error: Error & { code?: string }) => {
    process.stderr.write(`${error.message}\n`);
    if (error.code?.startsWith('ERR_PARSE_ARGS')) process.stderr.write(`\n${USAGE}\n`);
    process.exit(1);
  },
);
