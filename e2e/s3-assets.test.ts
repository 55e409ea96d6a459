import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { failed, failureOf, S3Setting, video } from './support/s3-setting.ts';
import { until } from './support/virtual-participant.ts';

const never = new AbortController().signal;

describe('createS3Assets', () => {
  const on = new S3Setting();
  const { assetsWith, put, contentOf, kept, asked } = on;

  describe('an asset', () => {
    it('is downloaded once, whole, and then only asked after', async () => {
      const content = video(300_000);
      await put('a b+ü.mp4', content);
      const assets = assetsWith();
      const first = await assets.fetch('s3://assets/a b+ü.mp4', never);
      const { mtimeMs } = await stat(join(on.cacheDir, first));
      const second = await assets.fetch('s3://assets/a b+ü.mp4', never);
      const etag = on.s3.requests[1]?.ifNoneMatch;
      // Else a browser would take it for another file.
      expect((await stat(join(on.cacheDir, first))).mtimeMs).toBe(mtimeMs);
      expect([second, (await contentOf(first)).equals(content), await readdir(on.cacheDir)]).toEqual([
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
      expect((await readdir(on.cacheDir)).toSorted()).toEqual([other, present].toSorted());
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
      expect(on.s3.requests.map(({ region, status }) => [region, status])).toEqual([
        ['us-west-2', 301],
        ['eu-west-1', 200],
        ['eu-west-1', 304],
      ]);
    });

    it('is found where no region is set', async () => {
      delete process.env['AWS_REGION'];
      process.env['AWS_CONFIG_FILE'] = join(on.folder, 'none');
      await put('a.mp4', video(1_000));
      await assetsWith().fetch('s3://assets/a.mp4', never);
      delete process.env['AWS_CONFIG_FILE'];
      expect(on.s3.requests.map(({ region }) => region)).toEqual(['us-east-1', 'us-west-2']);
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
      on.s3.arm({ kind: 'cut', afterBytes: 300_000 });
      on.s3.arm({ kind: 'stall', afterBytes: 200_000 });
      const file = await assetsWith().fetch('s3://assets/a.mp4', never);
      const [first = 0, second = 0] = on.s3.requests.slice(1).map(({ range }) => Number(/\d+/.exec(range ?? '')));
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
      on.s3.arm({ kind: 'stall', afterBytes: 300_000 });
      const fetched = assetsWith().fetch('s3://assets/a.mp4', never);
      await until(
        () => on.s3.requests.length > 0,
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
      on.s3.arm({ kind: 'corrupt' });
      const file = await assetsWith().fetch('s3://assets/a.mp4', never);
      expect([(await contentOf(file)).equals(content), asked().map(([status]) => status)]).toEqual([true, [200, 200]]);
    });

    it('that S3 cannot answer at first is asked for again', async () => {
      await put('a.mp4', video(1_000));
      on.s3.arm({ kind: 'error', code: 'SlowDown' }, 2);
      await assetsWith().fetch('s3://assets/a.mp4', never);
      expect(asked().map(([status]) => status)).toEqual([503, 503, 200]);
    });

    it('that breaks off again and again fails, and leaves nothing behind', async () => {
      await put('a.mp4', video(1_000_000));
      on.s3.arm({ kind: 'stall', afterBytes: 1_000 }, 4);
      expect(await failureOf(assetsWith().fetch('s3://assets/a.mp4', never))).toEqual(
        failed('ASSET_TIMEOUT', 'S3 stopped sending "s3://assets/a.mp4" before all of it was there; try again.'),
      );
      expect([asked().length, await readdir(on.cacheDir)]).toEqual([4, []]);
    });

    it('is shared by all who wait for it, and goes on while one of them does', async () => {
      await put('a.mp4', video(1_000_000));
      on.s3.arm({ kind: 'stall', afterBytes: 300_000 });
      const assets = assetsWith();
      const kick = new AbortController();
      const kicked = assets.fetch('s3://assets/a.mp4', kick.signal);
      const waiting = assets.fetch('s3://assets/a.mp4', never);
      await until(
        () => on.s3.requests.length > 0,
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
      on.s3.arm({ kind: 'stall', afterBytes: 300_000 });
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
      expect([asked().map(([status]) => status), await readdir(on.cacheDir)]).toEqual([[200, 200], [file]]);
    });

    it('that takes longer than an invite waits goes on for the next one', async () => {
      await put('a.mp4', video(1_000_000));
      on.s3.arm({ kind: 'stall', afterBytes: 300_000 });
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
});
