import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type OutgoingHttpHeaders, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FAILURES } from '../../machines/failures.ts';
import { listen, pathOf, stop } from '../http.ts';
import { type Assets, createAssets } from './assets.ts';
import type { S3Assets } from './s3/s3-assets.ts';
import { fakeS3Assets } from './testing/fake-s3-assets.ts';

const CONTENT = 'ABCDEFGHIJ';
const S3_NAME = 's3://bucket/trailers/a.mp4';
const S3_FILE = `${'0123456789'.repeat(4)}.etag-1.webm`;
const never = new AbortController().signal;

describe('createAssets', () => {
  let folder: string;
  let dir: string;
  let s3: S3Assets;
  let assets: Assets;
  let server: Server;
  let url: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vp-assets-'));
    dir = join(folder, 'assets');
    await mkdir(join(dir, 'trailers'), { recursive: true });
    await mkdir(join(dir, '..data'));
    await writeFile(join(folder, 'outside.mp4'), 'secret');
    for (const name of ['counter.mp4', 'trailers/a & b?#%.webm', 'page.html', '.hidden.mp4', '..data/linked.mp4']) {
      await writeFile(join(dir, name), CONTENT);
    }
    await symlink('..data/linked.mp4', join(dir, 'linked.mp4'));
    await symlink('../outside.mp4', join(dir, 'outside.mp4'));
    await symlink('loop.mp4', join(dir, 'loop.mp4'));
    await mkdir(join(folder, 'cache'));
    for (const file of [S3_FILE, 'other.mp4', 'half.part']) await writeFile(join(folder, 'cache', file), CONTENT);
    s3 = fakeS3Assets(join(folder, 'cache'), { [S3_NAME]: S3_FILE });
    assets = createAssets({ dir, defaultAsset: 'counter.mp4', s3 });
    server = createServer((incoming, response) => {
      void assets.serve(pathOf(incoming).slice('/assets/'.length), incoming, response);
    });
    url = `http://127.0.0.1:${await listen(server, { port: 0, host: '127.0.0.1', setting: 'PAGE_PORT' })}`;
  });
  afterAll(async () => {
    await stop(server);
    await rm(folder, { recursive: true });
  });

  /** Unlike `fetch`, it sends path and headers as they are. */
  async function ask(path: string, headers: OutgoingHttpHeaders = {}): Promise<IncomingMessage> {
    const { port } = server.address() as AddressInfo;
    const asked = request({ port, host: '127.0.0.1', path, headers }).end();
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return response.resume();
  }

  describe('resolve', () => {
    it.each([
      ['counter.mp4', '/assets/counter.mp4'],
      ['trailers/a & b?#%.webm', '/assets/trailers/a%20%26%20b%3F%23%25.webm'],
      ['linked.mp4', '/assets/linked.mp4'],
      ['pattern', 'pattern:'],
      [S3_NAME, `/assets/.s3/${S3_FILE}`],
    ])('gives the page the address of "%s"', async (name, assetUrl) => {
      expect(await assets.resolve(name, never)).toEqual({ name, url: assetUrl, loop: true });
    });

    it('takes the default asset where none is named', async () => {
      expect(await assets.resolve(null, never)).toMatchObject({ name: 'counter.mp4' });
    });

    it.each([
      ['none.mp4', 'There is no "none.mp4" in the folder of assets; it was to be an asset.'],
      ['trailers', 'There is no "trailers" in the folder of assets; it was to be an asset.'],
      ['counter.mp4/a', 'There is no "counter.mp4/a" in the folder of assets; it was to be an asset.'],
      ['outside.mp4', 'There is no "outside.mp4" in the folder of assets; it was to be an asset.'],
      ['loop.mp4', 'There is no "loop.mp4" in the folder of assets; it was to be an asset.'],
      [
        '../outside.mp4',
        '"../outside.mp4" cannot be an asset; expected a file in the folder of assets, such as clip.mp4 or trailers/clip.mp4, or s3://bucket/key.',
      ],
      [
        '.hidden.mp4',
        '".hidden.mp4" cannot be an asset; expected a file in the folder of assets, such as clip.mp4 or trailers/clip.mp4, or s3://bucket/key.',
      ],
      [
        's3://b/a.mp4',
        '"s3://b/a.mp4" cannot be an asset; expected s3://bucket/key with a bucket of 3 to 63 lower-case letters, digits, dots and hyphens.',
      ],
      ['a\u0000.mp4', '"a\\u0000.mp4" cannot be an asset; expected no control characters.'],
    ])('refuses %j', async (name, message) => {
      await expect(assets.resolve(name, never)).rejects.toMatchObject({
        failure: { code: 'ASSET_NOT_FOUND', ...FAILURES.ASSET_NOT_FOUND, message },
      });
    });

    it('says so when it is the default asset that is missing', async () => {
      const empty = createAssets({ dir, defaultAsset: 'gone.mp4', s3 });
      await expect(empty.resolve(null, never)).rejects.toThrow(
        'There is no "gone.mp4" in the folder of assets; it was to be the default asset.',
      );
    });

    it('fetches the default asset ahead if it is an object of S3', async () => {
      const fetched: string[] = [];
      const noting = { ...s3, fetchAhead: async (name: string) => void fetched.push(name) };
      await createAssets({ dir, defaultAsset: 'counter.mp4', s3: noting }).fetchAhead();
      await createAssets({ dir, defaultAsset: S3_NAME, s3: noting }).fetchAhead();
      expect(fetched).toEqual([S3_NAME]);
    });

    it('ends with the reason of its signal', async () => {
      const kicked = new Error('kicked');
      await expect(assets.resolve('counter.mp4', AbortSignal.abort(kicked))).rejects.toBe(kicked);
    });
  });

  describe('serve', () => {
    it('answers each address that resolve gives, with a fitting type', async () => {
      const answers = await Promise.all(
        ['counter.mp4', 'trailers/a & b?#%.webm', 'linked.mp4', S3_NAME].map(async (name) => {
          const asset = await assets.resolve(name, never);
          const response = await fetch(url + asset.url);
          return [response.status, response.headers.get('content-type'), await response.text()];
        }),
      );
      expect(answers).toEqual([
        [200, 'video/mp4', CONTENT],
        [200, 'video/webm', CONTENT],
        [200, 'video/mp4', CONTENT],
        [200, 'video/webm', CONTENT],
      ]);
    });

    it.each([
      ['bytes=0-', 206, 'bytes 0-9/10', CONTENT],
      ['bytes=2-4', 206, 'bytes 2-4/10', 'CDE'],
      ['bytes=0-0', 206, 'bytes 0-0/10', 'A'],
      ['bytes=-3', 206, 'bytes 7-9/10', 'HIJ'],
      ['bytes=8-99', 206, 'bytes 8-9/10', 'IJ'],
      ['bytes=10-', 416, 'bytes */10', 'This cannot be served.\n'],
      ['bytes=4-2', 416, 'bytes */10', 'This cannot be served.\n'],
      ['lines=1-2', 200, null, CONTENT],
    ])('answers the range %s with %i', async (range, status, contentRange, body) => {
      const response = await fetch(`${url}/assets/counter.mp4`, { headers: { range } });
      expect([response.status, response.headers.get('content-range'), await response.text()]).toEqual([
        status,
        contentRange,
        body,
      ]);
    });

    it('says that a file has not changed', async () => {
      const { headers } = await ask('/assets/counter.mp4');
      const again = await ask('/assets/counter.mp4', { 'if-none-match': headers.etag });
      expect([headers['cache-control'], again.statusCode]).toEqual(['no-cache', 304]);
    });

    it('answers HEAD without the file', async () => {
      const response = await fetch(`${url}/assets/counter.mp4`, { method: 'HEAD' });
      expect([response.status, response.headers.get('content-length'), await response.text()]).toEqual([200, '10', '']);
    });

    it.each([
      'none.mp4',
      'trailers',
      'trailers/',
      '',
      'outside.mp4',
      '.hidden.mp4',
      '..data/linked.mp4',
      '../outside.mp4',
      '..%2foutside.mp4',
      '%2e%2e/outside.mp4',
      'trailers/..%5c..%5coutside.mp4',
      '/etc/passwd',
      '%2fetc%2fpasswd',
      'counter.mp4%00.html',
      '%',
      '%ff',
      '.s3/other.mp4',
      '.s3/half.part',
      '.s3/',
      `.s3/../.s3/${S3_FILE}`,
      `.s3%2f${S3_FILE}`,
      `.s3/${S3_FILE.replace('0', '1')}`,
      '.s3/../assets/counter.mp4',
      '.s3/%2e%2e/outside.mp4',
    ])('answers 404 to "%s"', async (path) => {
      expect((await ask(`/assets/${path}`)).statusCode).toBe(404);
    });
  });
});
