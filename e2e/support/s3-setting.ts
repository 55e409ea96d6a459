import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type S3Server, startS3 } from '../../infra/local/s3/server.ts';
import { FAILURES, type FailureCode, FailureError } from '../../machines/failures.ts';
import { createS3Assets, type S3Assets, type S3AssetsOptions } from '../../server/assets/s3/s3-assets.ts';

export const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

/** So many bytes that begin like an MP4. */
export function video(bytes: number, fill = 'v'): Buffer {
  return Buffer.concat([Buffer.from('\0\0\0\x10ftypisom\0\0\x02\0', 'latin1'), Buffer.alloc(bytes - 16, fill)]);
}

export async function failureOf(call: Promise<unknown>) {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof FailureError ? error.failure : error;
}

export function failed(code: FailureCode, message: string) {
  return { code, ...FAILURES[code], message };
}

/** A local S3 and an empty cache, anew for each test of the file. */
export class S3Setting {
  folder = '';
  /** The folder behind the buckets `assets` and `elsewhere`. */
  bucket = '';
  /** Not there before the first asset comes. */
  cacheDir = '';
  s3!: S3Server;
  readonly #opened: S3Assets[] = [];

  constructor() {
    beforeEach(() => this.#open());
    afterEach(() => this.#close());
  }

  readonly assetsWith = (options: Partial<S3AssetsOptions> = {}): S3Assets => {
    const assets = createS3Assets({
      cacheDir: this.cacheDir,
      maxCacheBytes: 10_000_000,
      maxAssetBytes: 5_000_000,
      waitMs: 20_000,
      stallTimeoutMs: 200,
      ...options,
    });
    this.#opened.push(assets);
    return assets;
  };
  readonly put = (key: string, content: Buffer | string) => writeFile(join(this.bucket, key), content);
  readonly contentOf = (file: string) => readFile(join(this.cacheDir, file));
  readonly kept = () => readdir(this.cacheDir).catch((): string[] => []);
  /** What was asked of S3, and how it answered. */
  readonly asked = () =>
    this.s3.requests.map(({ range, ifMatch, ifNoneMatch, status }) => [status, range, ifMatch ?? ifNoneMatch]);

  async #open(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'vp-s3-assets-'));
    this.bucket = join(this.folder, 'bucket');
    this.cacheDir = join(this.folder, 'made', 'cache');
    await mkdir(this.bucket);
    this.s3 = await startS3({
      port: 0,
      buckets: { assets: { folder: this.bucket }, elsewhere: { folder: this.bucket, region: 'eu-west-1' } },
      credentials: CREDENTIALS,
    });
    process.env['AWS_ENDPOINT_URL_S3'] = this.s3.url;
    process.env['AWS_REGION'] = 'us-west-2';
    process.env['AWS_ACCESS_KEY_ID'] = 'local';
    process.env['AWS_SECRET_ACCESS_KEY'] = 'local';
  }

  async #close(): Promise<void> {
    for (const assets of this.#opened.splice(0)) assets.close();
    await this.s3.close();
    await rm(this.folder, { recursive: true });
  }
}
