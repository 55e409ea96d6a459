import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type S3Server, startS3 } from '../infra/local/s3/server.ts';
import { FAILURES, type FailureCode, FailureError } from '../machines/failures.ts';
import { createS3Assets, type S3Assets, type S3AssetsOptions } from '../server/assets/s3/s3-assets.ts';
import { until } from './support/virtual-participant.ts';

const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };
const never = new AbortController().signal;

/** So many bytes that begin like an MP4. */
function video(bytes: number, fill = 'v'): Buffer {
  return Buffer.concat([Buffer.from('\0\0\0\x10ftypisom\0\0\x02\0', 'latin1'), Buffer.alloc(bytes - 16, fill)]);
}

async function failureOf(call: Promise<unknown>) {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof FailureError ? error.failure : error;
}

function failed(code: FailureCode, message: string) {
  return { code, ...FAILURES[code], message };
}

describe('createS3Assets', () => {
  let folder: string;
  let bucket: string;
  let cacheDir: string;
  let s3: S3Server;
  const opened: S3Assets[] = [];

  function assetsWith(options: Partial<S3AssetsOptions> = {}): S3Assets {
    const assets = createS3Assets({
      cacheDir,
      maxCacheBytes: 10_000_000,
      maxAssetBytes: 5_000_000,
      waitMs: 20_000,
      stallTimeoutMs: 200,
      ...options,
    });
    opened.push(assets);
    return assets;
  }
  const put = (key: string, content: Buffer | string) => writeFile(join(bucket, key), content);
  const contentOf = async (file: string) => readFile(join(cacheDir, file));
  const kept = () => readdir(cacheDir).catch((): string[] => []);
  /** What was asked of S3, and how it answered. */
  const asked = () =>
    s3.requests.map(({ range, ifMatch, ifNoneMatch, status }) => [status, range, ifMatch ?? ifNoneMatch]);

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vp-s3-assets-'));
    bucket = join(folder, 'bucket');
    cacheDir = join(folder, 'made', 'cache');
    await mkdir(bucket);
    s3 = await startS3({
      port: 0,
      buckets: { assets: { folder: bucket }, elsewhere: { folder: bucket, region: 'eu-west-1' } },
      credentials: CREDENTIALS,
    });
    process.env['AWS_ENDPOINT_URL_S3'] = s3.url;
    process.env['AWS_REGION'] = 'us-west-2';
    process.env['AWS_ACCESS_KEY_ID'] = 'local';
    process.env['AWS_SECRET_ACCESS_KEY'] = 'local';
  });
  afterEach(async () => {
    for (const assets of opened.splice(0)) assets.close();
    await s3.close();
    await rm(folder, { recursive: true });
  });

  describe('an asset', () => {
    it('is downloaded once, whole, and then only asked after', async () => {
      const content = video(300_000);
      await put('a b+ü.mp4', content);
      const assets = assetsWith();
      const first = await assets.fetch('s3://assets/a b+ü.mp4', never);
      const { mtimeMs } = await stat(join(cacheDir, first));
      const second = await assets.fetch('s3://assets/a b+ü.mp4', never);
      const etag = s3.requests[1]?.ifNoneMatch;
      // Else a browser would take it for another file.
      expect((await stat(join(cacheDir, first))).mtimeMs).toBe(mtimeMs);
      expect([second, (await contentOf(first)).equals(content), await readdir(cacheDir)]).toEqual([
        first,
        true,
        [first],
      ]);
      expect([etag, asked()]).toEqual([
        expect.stringMatching(/^"[0-9a-f]{32}"$/),
        [
          [200, null, null],
          [304, null, etag],
        ],
      ]);
    });

    it('that is downloaded is told, with its size; one that is there is not', async () => {
      await put('a.mp4', video(1_000));
      const told: object[] = [];
      const assets = assetsWith({ onDownloaded: (download) => told.push(download) });
      await assets.fetch('s3://assets/a.mp4', never);
      await assets.fetch('s3://assets/a.mp4', never);
      expect(told).toEqual([{ name: 's3://assets/a.mp4', bytes: 1_000, timeMs: expect.any(Number) }]);
    });

    it('is kept over a restart', async () => {
      await put('a.mp4', video(1_000));
      const first = await assetsWith().fetch('s3://assets/a.mp4', never);
      expect([await assetsWith().fetch('s3://assets/a.mp4', never), asked().map(([status]) => status)]).toEqual([
        first,
        [200, 304],
      ]);
    });

    it('that was replaced is downloaded again, and the old version is removed', async () => {
      await put('a.mp4', video(1_000, 'o'));
      const assets = assetsWith();
      const old = await assets.fetch('s3://assets/a.mp4', never);
      await put('b.mp4', video(1_000));
      const other = await assets.fetch('s3://assets/b.mp4', never);
      await put('a.mp4', video(2_000, 'n'));
      const present = await assets.fetch('s3://assets/a.mp4', never);
      expect((await readdir(cacheDir)).toSorted()).toEqual([other, present].toSorted());
      expect([present === old, (await contentOf(present)).length]).toEqual([false, 2_000]);
    });

    it.each([
      ['MP4', video(1_000), '.mp4'],
      ['WebM', Buffer.concat([Buffer.from('\x1a\x45\xdf\xa3', 'latin1'), Buffer.alloc(1_000)]), '.webm'],
    ])('that is %s is served as such, whatever its key', async (_, content, end) => {
      await put('key', content);
      expect(await assetsWith().fetch('s3://assets/key', never)).toMatch(new RegExp(`^[\\w.-]+\\${end}$`));
    });

    it('of a bucket elsewhere is asked for there, and at once the next time', async () => {
      await put('a.mp4', video(1_000));
      const assets = assetsWith();
      await assets.fetch('s3://elsewhere/a.mp4', never);
      await assets.fetch('s3://elsewhere/a.mp4', never);
      expect(s3.requests.map(({ region, status }) => [region, status])).toEqual([
        ['us-west-2', 301],
        ['eu-west-1', 200],
        ['eu-west-1', 304],
      ]);
    });

    it('is found where no region is set', async () => {
      delete process.env['AWS_REGION'];
      process.env['AWS_CONFIG_FILE'] = join(folder, 'none');
      await put('a.mp4', video(1_000));
      await assetsWith().fetch('s3://assets/a.mp4', never);
      delete process.env['AWS_CONFIG_FILE'];
      expect(s3.requests.map(({ region }) => region)).toEqual(['us-east-1', 'us-west-2']);
    });

    it('that is fetched ahead is there for the invite', async () => {
      await put('a.mp4', video(1_000));
      const assets = assetsWith();
      await assets.fetchAhead('s3://assets/a.mp4');
      await assets.fetch('s3://assets/a.mp4', never);
      expect(asked().map(([status]) => status)).toEqual([200, 304]);
    });
  });

  describe('a download', () => {
    it('that breaks off or stalls goes on where it ended', async () => {
      const content = video(1_000_000);
      await put('a.mp4', content);
      s3.arm({ kind: 'cut', afterBytes: 300_000 });
      s3.arm({ kind: 'stall', afterBytes: 200_000 });
      const file = await assetsWith().fetch('s3://assets/a.mp4', never);
      const [first = 0, second = 0] = s3.requests.slice(1).map(({ range }) => Number(/\d+/.exec(range ?? '')));
      expect([(await contentOf(file)).equals(content), asked().map(([status]) => status)]).toEqual([
        true,
        [200, 206, 206],
      ]);
      // What was sent and not read yet is lost with a connection: at most a few pieces of 64 KiB.
      expect([first > 100_000, first <= 300_000, second > first, second <= first + 200_000]).toEqual(
        Array(4).fill(true),
      );
    });

    it('of an object that is replaced meanwhile begins again', async () => {
      const content = video(500_000, 'n');
      await put('a.mp4', video(1_000_000, 'o'));
      s3.arm({ kind: 'stall', afterBytes: 300_000 });
      const fetched = assetsWith().fetch('s3://assets/a.mp4', never);
      await until(
        () => s3.requests.length > 0,
        5_000,
        () => 'Nothing was asked',
      );
      await put('a.mp4', content);
      expect((await contentOf(await fetched)).equals(content)).toBe(true);
      expect(asked().map(([status]) => status)).toEqual([200, 412, 200]);
    });

    it('whose bytes were changed on the way begins again', async () => {
      const content = video(1_000_000);
      await put('a.mp4', content);
      // The first byte of a box's length: the beginning still is that of an MP4.
      s3.arm({ kind: 'corrupt' });
      const file = await assetsWith().fetch('s3://assets/a.mp4', never);
      expect([(await contentOf(file)).equals(content), asked().map(([status]) => status)]).toEqual([true, [200, 200]]);
    });

    it('that S3 cannot answer at first is asked for again', async () => {
      await put('a.mp4', video(1_000));
      s3.arm({ kind: 'error', code: 'SlowDown' }, 2);
      await assetsWith().fetch('s3://assets/a.mp4', never);
      expect(asked().map(([status]) => status)).toEqual([503, 503, 200]);
    });

    it('that breaks off again and again fails, and leaves nothing behind', async () => {
      await put('a.mp4', video(1_000_000));
      s3.arm({ kind: 'stall', afterBytes: 1_000 }, 4);
      expect(await failureOf(assetsWith().fetch('s3://assets/a.mp4', never))).toEqual(
        failed('ASSET_TIMEOUT', 'S3 stopped sending "s3://assets/a.mp4" before all of it was there; try again.'),
      );
      expect([asked().length, await readdir(cacheDir)]).toEqual([4, []]);
    });

    it('is shared by all who wait for it, and goes on while one of them does', async () => {
      await put('a.mp4', video(1_000_000));
      s3.arm({ kind: 'stall', afterBytes: 300_000 });
      const assets = assetsWith();
      const kick = new AbortController();
      const kicked = assets.fetch('s3://assets/a.mp4', kick.signal);
      const waiting = assets.fetch('s3://assets/a.mp4', never);
      await until(
        () => s3.requests.length > 0,
        5_000,
        () => 'Nothing was asked',
      );
      kick.abort(new Error('kicked'));
      await expect(kicked).rejects.toThrow('kicked');
      await waiting;
      expect(asked().map(([status]) => status)).toEqual([200, 206]);
    });

    it('ends when nobody waits for it any more, and the next invite begins a new one', async () => {
      await put('a.mp4', video(1_000_000));
      s3.arm({ kind: 'stall', afterBytes: 300_000 });
      const assets = assetsWith({ stallTimeoutMs: 60_000 });
      const kick = new AbortController();
      const kicked = assets.fetch('s3://assets/a.mp4', kick.signal);
      await until(
        async () => (await kept()).length > 0,
        5_000,
        () => 'No download began',
      );
      kick.abort(new Error('kicked'));
      await expect(kicked).rejects.toThrow('kicked');
      const file = await assets.fetch('s3://assets/a.mp4', never);
      expect([asked().map(([status]) => status), await readdir(cacheDir)]).toEqual([[200, 200], [file]]);
    });

    it('that takes longer than an invite waits goes on for the next one', async () => {
      await put('a.mp4', video(1_000_000));
      s3.arm({ kind: 'stall', afterBytes: 300_000 });
      const assets = assetsWith({ waitMs: 100, stallTimeoutMs: 300 });
      expect(await failureOf(assets.fetch('s3://assets/a.mp4', never))).toEqual(
        failed(
          'ASSET_TIMEOUT',
          '"s3://assets/a.mp4" was not there after 0.1 s. Its download goes on: invite again in a while, or encode it smaller.',
        ),
      );
      const isThere = async () => (await kept()).some((name) => name.endsWith('.mp4'));
      await until(isThere, 5_000, () => 'The download did not go on');
      await assets.fetch('s3://assets/a.mp4', never);
      expect(asked().map(([status]) => status)).toEqual([200, 206, 304]);
    });

    it('does not begin for an invite that is over', async () => {
      const kicked = new Error('kicked');
      await expect(assetsWith().fetch('s3://assets/a.mp4', AbortSignal.abort(kicked))).rejects.toBe(kicked);
      expect(asked()).toEqual([]);
    });
  });

  describe('an asset that cannot be had is told at once', () => {
    it.each([
      [
        'a key that is not there',
        's3://assets/none.mp4',
        failed('ASSET_NOT_FOUND', 'There is no "s3://assets/none.mp4" in S3; it was to be an asset.'),
      ],
      [
        'a bucket that is not there',
        's3://nobody/a.mp4',
        failed('ASSET_NOT_FOUND', 'There is no bucket "nobody" in S3; "s3://nobody/a.mp4" was to be an asset.'),
      ],
    ])('%s', async (_, name, failure) => {
      expect(await failureOf(assetsWith().fetch(name, never))).toEqual(failure);
    });

    const NOT_ALLOWED =
      'S3 does not let the virtual participant read "s3://assets/a.mp4", or it is not there: to a role without s3:ListBucket S3 says the same of both. Check the name, and that the IAM role has s3:GetObject on it, and kms:Decrypt where it is encrypted with KMS.';
    it.each([
      ['AccessDenied', failed('ASSET_NOT_ALLOWED', NOT_ALLOWED), 1],
      [
        'InvalidObjectState',
        failed(
          'ASSET_NOT_FOUND',
          '"s3://assets/a.mp4" is archived; restore it, or copy it to a storage class that is read at once.',
        ),
        1,
      ],
      [
        'SlowDown',
        failed(
          'PREPARE_FAILED',
          'S3 has too many requests for the bucket of "s3://assets/a.mp4" now; try again in a while.',
        ),
        3,
      ],
      [
        'InternalError',
        failed('PREPARE_FAILED', 'S3 failed at GetObject of "s3://assets/a.mp4" (InternalError); try again.'),
        3,
      ],
    ] as const)('S3 answers %s', async (code, failure, times) => {
      await put('a.mp4', video(1_000));
      s3.arm({ kind: 'error', code }, times);
      expect([await failureOf(assetsWith().fetch('s3://assets/a.mp4', never)), s3.requests.length]).toEqual([
        failure,
        times,
      ]);
    });

    it('also where it was there before: a version that may no longer be read is not played', async () => {
      await put('a.mp4', video(1_000));
      const assets = assetsWith();
      await assets.fetch('s3://assets/a.mp4', never);
      s3.arm({ kind: 'error', code: 'AccessDenied' });
      expect(await failureOf(assets.fetch('s3://assets/a.mp4', never))).toEqual(
        failed('ASSET_NOT_ALLOWED', NOT_ALLOWED),
      );
    });

    it('S3 does not accept the credentials', async () => {
      process.env['AWS_SECRET_ACCESS_KEY'] = 'other';
      expect(await failureOf(assetsWith().fetch('s3://assets/a.mp4', never))).toEqual(
        failed('AWS_NOT_ALLOWED', 'S3 did not accept the credentials of the virtual participant, or it has none.'),
      );
    });

    it('S3 cannot be reached', async () => {
      await s3.close();
      const fetched = assetsWith().fetch('s3://assets/a.mp4', never);
      expect(await failureOf(fetched)).toEqual(
        failed('PREPARE_FAILED', 'S3 could not be reached for "s3://assets/a.mp4"; is there a way to the network?'),
      );
      s3 = await startS3({ port: 0, buckets: {}, credentials: CREDENTIALS });
    });

    it.each([
      ['text', 'This is no video.\n'.repeat(100_000), 'it is text'],
      ['an error page', '<!DOCTYPE html><title>404</title>'.padEnd(1_000_000), 'it is an HTML page'],
      [
        'an archive',
        Buffer.concat([Buffer.from('PK\x03\x04'), Buffer.alloc(1_000_000)]),
        'it is an archive or something compressed',
      ],
      ['less than a head', 'short', 'it is text'],
      ['empty', '', 'it is empty'],
    ])('what is %s, before all of it is there', async (_, content, what) => {
      await put('a.mp4', content);
      // Nothing follows the first bytes: who waited for the rest would fail otherwise.
      s3.arm({ kind: 'stall', afterBytes: 1_000 });
      expect(await failureOf(assetsWith().fetch('s3://assets/a.mp4', never))).toEqual(
        failed(
          'ASSET_UNPLAYABLE',
          `"s3://assets/a.mp4" cannot be played: ${what}. Expected a video that Chromium plays, such as MP4 with H.264 and AAC, or WebM.`,
        ),
      );
      expect([asked().length, await readdir(cacheDir)]).toEqual([1, []]);
    });

    it('what is larger than it may be, before a byte of it is taken', async () => {
      await put('a.mp4', video(7_312_345));
      s3.arm({ kind: 'stall', afterBytes: 0 });
      expect(await failureOf(assetsWith().fetch('s3://assets/a.mp4', never))).toEqual(
        failed(
          'ASSET_TOO_LARGE',
          '"s3://assets/a.mp4" has 7.31 MB; expected at most 5 MB. Encode it smaller, or raise MAX_ASSET_MB.',
        ),
      );
      expect(await kept()).toEqual([]);
    });

    it('a folder for the cache that cannot be made', async () => {
      await put('a.mp4', video(1_000));
      const assets = assetsWith({ cacheDir: join(bucket, 'a.mp4', 'cache') });
      expect(await failureOf(assets.fetch('s3://assets/a.mp4', never))).toEqual(
        failed(
          'INTERNAL',
          '"s3://assets/a.mp4" could not be kept: the asset cache cannot be written. Set ASSET_CACHE_DIR to a folder that can.',
        ),
      );
    });
  });

  describe('the cache', () => {
    /** As if it had been used so many minutes ago. */
    async function age(file: string, minutes: number): Promise<void> {
      const then = new Date(Date.now() - minutes * 60_000);
      await utimes(join(cacheDir, file), then, then);
    }

    it('removes what was not used for longest when a download needs its room', async () => {
      const assets = assetsWith({ maxCacheBytes: 3_500 });
      for (const key of ['a', 'b', 'c', 'd']) await put(key, video(1_000, key));
      const files: Record<string, string> = {};
      for (const key of ['a', 'b', 'c']) files[key] = await assets.fetch(`s3://assets/${key}`, never);
      await age(files['a'] ?? '', 3);
      await age(files['b'] ?? '', 2);
      await assets.fetch('s3://assets/a', never);
      files['d'] = await assets.fetch('s3://assets/d', never);
      expect((await readdir(cacheDir)).toSorted()).toEqual([files['a'], files['c'], files['d']].toSorted());
    });

    it('does not remove what is played, nor what is being downloaded', async () => {
      const assets = assetsWith({ maxCacheBytes: 3_500 });
      await put('played', video(1_000, 'p'));
      await put('ahead', video(2_000, 'a'));
      await put('more', video(2_000, 'm'));
      const played = await assets.fetch('s3://assets/played', never);
      await age(played, 60);
      s3.arm({ kind: 'stall', afterBytes: 1_000 });
      const later = assets.fetchAhead('s3://assets/ahead');
      await until(
        async () => (await kept()).length === 2,
        5_000,
        () => 'No download began',
      );
      expect(await failureOf(assets.fetch('s3://assets/more', never))).toEqual(
        failed(
          'INTERNAL',
          'There is no room for "s3://assets/more" in the asset cache of the virtual participant: its disk is full, or ASSET_CACHE_MB is.',
        ),
      );
      await later;
      expect(await readdir(cacheDir)).toContain(played);
    });

    it('plays no half file that a crash left, and removes it', async () => {
      await mkdir(cacheDir, { recursive: true });
      const part = '01234567-89ab-cdef-0123-456789abcdef.part';
      await writeFile(join(cacheDir, part), video(500));
      await writeFile(join(cacheDir, 'README'), 'Files of others stay.');
      await age(part, 2);
      await put('a.mp4', video(1_000));
      const file = await assetsWith().fetch('s3://assets/a.mp4', never);
      expect((await readdir(cacheDir)).toSorted()).toEqual(['README', file].toSorted());
    });

    it('is open to its user alone', async () => {
      await put('a.mp4', video(1_000));
      const file = await assetsWith().fetch('s3://assets/a.mp4', never);
      const modes = await Promise.all([cacheDir, join(cacheDir, file)].map(async (path) => (await stat(path)).mode));
      expect(modes.map((mode) => (mode & 0o777).toString(8))).toEqual(['700', '600']);
    });
  });
});
