import { mkdir, readdir, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startS3 } from '../infra/local/s3/server.ts';
import { CREDENTIALS, failed, failureOf, S3Setting, video } from './support/s3-setting.ts';
import { until } from './support/virtual-participant.ts';

const never = new AbortController().signal;

describe('createS3Assets', () => {
  const on = new S3Setting();
  const { assetsWith, put, kept, asked } = on;

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
      on.s3.arm({ kind: 'error', code }, times);
      expect([await failureOf(assetsWith().fetch('s3://assets/a.mp4', never)), on.s3.requests.length]).toEqual([
        failure,
        times,
      ]);
    });

    it('also where it was there before: a version that may no longer be read is not played', async () => {
      await put('a.mp4', video(1_000));
      const assets = assetsWith();
      await assets.fetch('s3://assets/a.mp4', never);
      on.s3.arm({ kind: 'error', code: 'AccessDenied' });
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
      await on.s3.close();
      const fetched = assetsWith().fetch('s3://assets/a.mp4', never);
      expect(await failureOf(fetched)).toEqual(
        failed('PREPARE_FAILED', 'S3 could not be reached for "s3://assets/a.mp4"; is there a way to the network?'),
      );
      on.s3 = await startS3({ port: 0, buckets: {}, credentials: CREDENTIALS });
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
      on.s3.arm({ kind: 'stall', afterBytes: 1_000 });
      expect(await failureOf(assetsWith().fetch('s3://assets/a.mp4', never))).toEqual(
        failed(
          'ASSET_UNPLAYABLE',
          `"s3://assets/a.mp4" cannot be played: ${what}. Expected a video that Chromium plays, such as MP4 with H.264 and AAC, or WebM.`,
        ),
      );
      expect([asked().length, await readdir(on.cacheDir)]).toEqual([1, []]);
    });

    it('what is larger than it may be, before a byte of it is taken', async () => {
      await put('a.mp4', video(7_312_345));
      on.s3.arm({ kind: 'stall', afterBytes: 0 });
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
      const assets = assetsWith({ cacheDir: join(on.bucket, 'a.mp4', 'cache') });
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
      await utimes(join(on.cacheDir, file), then, then);
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
      expect((await readdir(on.cacheDir)).toSorted()).toEqual([files['a'], files['c'], files['d']].toSorted());
    });

    it('does not remove what is played, nor what is being downloaded', async () => {
      const assets = assetsWith({ maxCacheBytes: 3_500 });
      await put('played', video(1_000, 'p'));
      await put('ahead', video(2_000, 'a'));
      await put('more', video(2_000, 'm'));
      const played = await assets.fetch('s3://assets/played', never);
      await age(played, 60);
      on.s3.arm({ kind: 'stall', afterBytes: 1_000 });
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
      expect(await readdir(on.cacheDir)).toContain(played);
    });

    it('plays no half file that a crash left, and removes it', async () => {
      await mkdir(on.cacheDir, { recursive: true });
      const part = '01234567-89ab-cdef-0123-456789abcdef.part';
      await writeFile(join(on.cacheDir, part), video(500));
      await writeFile(join(on.cacheDir, 'README'), 'Files of others stay.');
      await age(part, 2);
      await put('a.mp4', video(1_000));
      const file = await assetsWith().fetch('s3://assets/a.mp4', never);
      expect((await readdir(on.cacheDir)).toSorted()).toEqual(['README', file].toSorted());
    });

    it('is open to its user alone', async () => {
      await put('a.mp4', video(1_000));
      const file = await assetsWith().fetch('s3://assets/a.mp4', never);
      const modes = await Promise.all(
        [on.cacheDir, join(on.cacheDir, file)].map(async (path) => (await stat(path)).mode),
      );
      expect(modes.map((mode) => (mode & 0o777).toString(8))).toEqual(['700', '600']);
    });
  });
});
