import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createAssets } from '../assets/assets.ts';
import { fakeS3Assets } from '../assets/testing/fake-s3-assets.ts';
import { type PageServer, startPageServer } from './page-server.ts';

interface Answer {
  status: number | undefined;
  headers: Record<string, unknown>;
  body: string;
}

describe('startPageServer', () => {
  let folder: string;
  let server: PageServer;
  const errors: unknown[] = [];

  const start = (port = 0) =>
    startPageServer({
      port,
      pageDir: join(folder, 'built'),
      assets: createAssets({ dir: join(folder, 'assets'), defaultAsset: 'a.mp4', s3: fakeS3Assets(folder) }),
      onError: (error) => errors.push(error),
    });

  /** Unlike `fetch`, it sends path and `Host` as they are. */
  function ask(path: string, { method = 'GET', host = `localhost:${server.port}` } = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      request({ host: '127.0.0.1', port: server.port, path, method, headers: { host } }, async (response) => {
        const chunks: Buffer[] = [];
        for await (const chunk of response) chunks.push(chunk);
        resolve({
          status: response.statusCode,
          headers: response.headers,
          body: Buffer.concat(chunks).toString(),
        });
      })
        .on('error', reject)
        .end();
    });
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vp-page-'));
    await mkdir(join(folder, 'built', 'page'), { recursive: true });
    await mkdir(join(folder, 'assets'));
    await writeFile(join(folder, 'secret.txt'), 'secret');
    await writeFile(join(folder, 'built', 'secret.txt'), 'secret');
    await writeFile(join(folder, 'built', 'index.html'), '<!doctype html>');
    await writeFile(join(folder, 'built', 'page', 'index-abc.js'), 'export {}');
    await writeFile(join(folder, 'assets', 'a.mp4'), 'ABC');
    await writeFile(join(folder, 'assets', 'evil.html'), '<script>1</script>');
    server = await start();
  });
  afterAll(async () => {
    await server.close();
    await rm(folder, { recursive: true });
  });
  afterEach(() => expect(errors).toEqual([]));

  it('serves the page, which is asked for again each time, and lets it load its own files alone', async () => {
    const { status, headers, body } = await ask('/?asset=a.mp4');
    expect({ status, body }).toEqual({ status: 200, body: '<!doctype html>' });
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'content-security-policy':
        "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data:; " +
        "media-src 'self' blob:; connect-src 'self' https: wss: http://127.0.0.1:* ws://127.0.0.1:* " +
        "http://localhost:* ws://localhost:*; base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    });
    expect((await ask('/index.html')).body).toBe('<!doctype html>');
  });

  it('lets files whose names hold their hash be kept for ever', async () => {
    const { status, headers } = await ask('/page/index-abc.js');
    expect([status, headers['content-type'], headers['cache-control']]).toEqual([
      200,
      'text/javascript; charset=utf-8',
      'public, max-age=31536000, immutable',
    ]);
  });

  it('lets nobody keep that a file is missing', async () => {
    const { status, headers, body } = await ask('/page/none.js');
    expect([status, headers['cache-control'], body]).toEqual([404, undefined, 'There is nothing here.\n']);
  });

  it('serves assets, in which no script runs', async () => {
    const { status, headers, body } = await ask('/assets/a.mp4');
    expect([status, headers['content-type'], body]).toEqual([200, 'video/mp4', 'ABC']);
    expect((await ask('/assets/evil.html')).headers['content-security-policy']).toBe("default-src 'none'; sandbox");
    expect((await ask('/assets/none.mp4')).body).toBe('There is no such asset.\n');
  });

  it.each([
    '/secret.txt',
    '/page/../secret.txt',
    '/page/../../secret.txt',
    '/page/..%2f..%2fsecret.txt',
    '/page/%2e%2e/secret.txt',
    '/page/',
    '/page',
    '/page//index-abc.js',
    '//secret.txt',
    '/assets/../secret.txt',
    '/assets',
    '/favicon.ico',
    'http://localhost/page/index-abc.js',
    '*',
  ])('answers 404 to %s', async (path) => {
    expect((await ask(path)).status).toBe(404);
  });

  it.each(['evil.example', 'evil.example:3000', '10.0.0.1', 'localhost.evil.example'])(
    'answers nothing but 403 to the host %s, which another site may have pointed here',
    async (host) => {
      const { status, body } = await ask('/', { host });
      expect({ status, body }).toEqual({
        status: 403,
        body: 'Expected localhost or 127.0.0.1 in the header Host.\n',
      });
    },
  );

  it('answers no other method than GET and HEAD', async () => {
    const { status, headers } = await ask('/', { method: 'POST' });
    expect([status, headers['allow']]).toEqual([405, 'GET, HEAD']);
    expect(await ask('/', { method: 'HEAD' })).toMatchObject({ status: 200, body: '' });
  });

  it('names the port that is taken, and the setting', async () => {
    await expect(start(server.port)).rejects.toMatchObject({
      name: 'StartError',
      message: `Port ${server.port} is taken; set PAGE_PORT to another, or to 0 for any free one.`,
    });
  });

  it('says what to do where the page was not built', async () => {
    const starting = startPageServer({
      port: 0,
      pageDir: folder,
      assets: { serve: async () => {} },
      onError: () => {},
    });
    await expect(starting).rejects.toMatchObject({
      name: 'StartError',
      message: `There is no built page in ${folder}: run npm run build.`,
    });
  });

  it('answers 500 and tells the error when an asset cannot be read', async () => {
    const broken = new Error('EIO');
    const failed: unknown[] = [];
    const other = await startPageServer({
      port: 0,
      pageDir: join(folder, 'built'),
      assets: { serve: () => Promise.reject(broken) },
      onError: (error) => failed.push(error),
    });
    const response = await fetch(`${other.origin}/assets/a.mp4`);
    expect([response.status, await response.text(), failed]).toEqual([500, 'The server failed.\n', [broken]]);
    await other.close();
  });
});
