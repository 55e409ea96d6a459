import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isS3Name } from '../../../server/assets/names.ts';

export const USAGE = `npm run demo -- [options]
  --asset NAME   play a file of your own in place of the test card, or s3://assets/counter.mp4 from the local S3
  --once         without a person: one invite, measured in headless Chromium
  --runs N       with --once: so many invites; the figures are medians without the first
  --json         with --once: the last line is one JSON object
  --port N       of the demo's page (default 3000; 0: any free one)`;

export interface DemoOptions {
  /** What to play: the absolute path of a file, or s3://bucket/key. */
  asset: string;
  once: boolean;
  runs: number;
  json: boolean;
  port: number;
}

const DEFAULT_ASSET = fileURLToPath(new URL('../../../assets/counter.mp4', import.meta.url));

/**
 * Reads the demo's options from the command line.
 *
 * @throws {Error} that names the option and what was expected.
 */
export async function readOptions(): Promise<DemoOptions> {
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
  const once = values.once || runs > 1;
  const port = wholeNumber('--port', values.port ?? (once ? '0' : '3000'), 0, 65_535);
  const asset = await assetOf(values.asset);
  return { asset, once, runs, json: values.json, port };
}

async function assetOf(given: string | undefined): Promise<string> {
  if (given === undefined) return DEFAULT_ASSET;
  if (isS3Name(given)) return given;
  const path = resolve(process.env['INIT_CWD'] ?? '', given);
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
  if (!isFile) throw new Error(`--asset: there is no file ${path}`);
  return path;
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new Error(`${name}: expected a whole number from ${least} to ${most}, got "${text}"`);
}
