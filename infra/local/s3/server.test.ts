import '../quiet-aws-sdk.ts';

import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandInput,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
  type S3ServiceException,
} from '@aws-sdk/client-s3';
import { type S3Server, startS3 } from './server.ts';

const CONTENT = 'ABCDEFGHIJ';
const ETAG = `"${createHash('md5').update(CONTENT).digest('hex')}"`;
const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };

describe('the local S3, asked by the AWS SDK', () => {
  let folder: string;
  let s3: S3Server;
  const clients: S3Client[] = [];

  function clientWith(credentials: typeof CREDENTIALS & { sessionToken?: string } = CREDENTIALS): S3Client {
    const client = new S3Client({ region: 'us-west-2', endpoint: s3.url, credentials, maxAttempts: 1 });
    clients.push(client);
    return client;
  }

  async function get(input: Partial<GetObjectCommandInput>, client = clientWith()) {
    const answer = await client.send(new GetObjectCommand({ Bucket: 'assets', Key: 'a b/ü+&.mp4', ...input }));
    return { ...answer, text: await answer.Body?.transformToString() };
  }

  async function refusalOf(call: Promise<unknown>) {
    const error = (await call.then(
      () => new Error('It was answered.'),
      (reason: unknown) => reason,
    )) as S3ServiceException;
    return [error.name, error.$metadata?.httpStatusCode];
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'vp-s3-'));
    await mkdir(join(folder, 'assets', 'a b'), { recursive: true });
    await writeFile(join(folder, 'assets', 'a b', 'ü+&.mp4'), CONTENT);
    await writeFile(join(folder, 'assets', 'empty'), '');
    await writeFile(join(folder, 'outside'), 'secret');
    await mkdir(join(folder, 'uploads'));
    await symlink('..', join(folder, 'uploads', 'out'));
    await symlink('../outside', join(folder, 'assets', 'link'));
    s3 = await startS3({
      port: 0,
      buckets: {
        assets: { folder: join(folder, 'assets') },
        elsewhere: { folder: join(folder, 'assets'), region: 'eu-west-1' },
        uploads: { folder: join(folder, 'uploads'), isWritable: true },
      },
      credentials: CREDENTIALS,
    });
  });
  afterEach(() => {
    s3.clearFaults();
    for (const client of clients.splice(0)) client.destroy();
  });
  afterAll(async () => {
    await s3.close();
    await rm(folder, { recursive: true });
  });

  it('answers GET with the file, its MD5 as ETag, and a checksum that the SDK verifies', async () => {
    const { text, ETag, ContentLength, ChecksumCRC32, ChecksumType } = await get({});
    expect({ text, ETag, ContentLength, ChecksumType }).toEqual({
      text: CONTENT,
      ETag: ETAG,
      ContentLength: 10,
      ChecksumType: 'FULL_OBJECT',
    });
    expect(ChecksumCRC32).toMatch(/^[\w+/]{6}==$/);
  });

  it('answers HEAD with the same, without the file', async () => {
    const { ETag, ContentLength } = await clientWith().send(
      new HeadObjectCommand({ Bucket: 'assets', Key: 'a b/ü+&.mp4' }),
    );
    expect([ETag, ContentLength]).toEqual([ETAG, 10]);
  });

  it('answers an empty file', async () => {
    const { text, ContentLength } = await get({ Key: 'empty' });
    expect([text, ContentLength]).toEqual(['', 0]);
  });

  it.each([
    ['bytes=2-4', 'bytes 2-4/10', 'CDE'],
    ['bytes=8-', 'bytes 8-9/10', 'IJ'],
    ['bytes=8-99', 'bytes 8-9/10', 'IJ'],
    ['bytes=-3', 'bytes 7-9/10', 'HIJ'],
    ['bytes=4-2', undefined, CONTENT],
    ['lines=1-2', undefined, CONTENT],
  ])('answers the range %s with %s', async (Range, contentRange, text) => {
    const answer = await get({ Range });
    expect([answer.ContentRange, answer.text]).toEqual([contentRange, text]);
  });

  it.each([
    ['a range behind the end', { Range: 'bytes=10-' }, 'InvalidRange', 416],
    ['If-Match of another ETag', { IfMatch: '"other"' }, 'PreconditionFailed', 412],
    ['a key that is not there', { Key: 'none' }, 'NoSuchKey', 404],
    ['a folder', { Key: 'a b' }, 'NoSuchKey', 404],
    ['a key that leads outside', { Key: '../outside' }, 'NoSuchKey', 404],
    ['a link that leads outside', { Key: 'link' }, 'NoSuchKey', 404],
    ['a bucket that is not there', { Bucket: 'nobody' }, 'NoSuchBucket', 404],
    ['a bucket of another region', { Bucket: 'elsewhere' }, 'PermanentRedirect', 301],
  ])('refuses %s', async (_, input, name, status) => {
    expect(await refusalOf(get(input))).toEqual([name, status]);
  });

  it('answers If-None-Match of the present ETag with 304', async () => {
    const [, status] = await refusalOf(get({ IfNoneMatch: ETAG }));
    expect([status, (await get({ IfNoneMatch: '"other"' })).text]).toEqual([304, CONTENT]);
  });

  it('lets the SDK follow to the region of a bucket', async () => {
    const { text } = await get(
      { Bucket: 'elsewhere' },
      new S3Client({ region: 'us-west-2', endpoint: s3.url, credentials: CREDENTIALS, followRegionRedirects: true }),
    );
    expect([text, s3.requests.slice(-2).map(({ region, status }) => [region, status])]).toEqual([
      CONTENT,
      [
        ['us-west-2', 301],
        ['eu-west-1', 200],
      ],
    ]);
  });

  it('cannot be written', async () => {
    const put = new PutObjectCommand({ Bucket: 'assets', Key: 'new', Body: 'x' });
    expect(await refusalOf(clientWith().send(put))).toEqual(['MethodNotAllowed', 405]);
  });

  it.each([
    ['another key', { ...CREDENTIALS, accessKeyId: 'other' }, 'InvalidAccessKeyId'],
    ['another secret', { ...CREDENTIALS, secretAccessKey: 'other' }, 'SignatureDoesNotMatch'],
    ['a session token', { ...CREDENTIALS, sessionToken: 'more' }, 'InvalidAccessKeyId'],
  ])('refuses a signature of %s', async (_, credentials, name) => {
    expect(await refusalOf(get({}, clientWith(credentials)))).toEqual([name, 403]);
  });

  it('refuses a request that nobody signed, in XML', async () => {
    const unsigned = await fetch(`${s3.url}/assets/empty`);
    expect([unsigned.status, await unsigned.text()]).toEqual([
      403,
      '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>',
    ]);
  });

  it('says what to do where its port is taken', async () => {
    const port = Number(new URL(s3.url).port);
    await expect(startS3({ port, buckets: {}, credentials: CREDENTIALS })).rejects.toThrow(
      `Port ${port} is taken: stop what listens there, or give the local S3 another port (0: any).`,
    );
  });

  describe('in a bucket that can be written', () => {
    const uploads = () => join(folder, 'uploads');
    const put = (Key: string, Body = CONTENT) =>
      clientWith().send(new PutObjectCommand({ Bucket: 'uploads', Key, Body }));

    it('takes an object as it is, with its ETag, and gives it back', async () => {
      expect((await put('smoke-1/a b.mp4')).ETag).toBe(ETAG);
      expect(await get({ Bucket: 'uploads', Key: 'smoke-1/a b.mp4' })).toMatchObject({ ETag: ETAG, text: CONTENT });
    });

    it('deletes an object with the folders that it leaves empty; one that is not there is no error', async () => {
      await put('x/y/z.mp4');
      await put('x/kept.mp4');
      const remove = () => clientWith().send(new DeleteObjectCommand({ Bucket: 'uploads', Key: 'x/y/z.mp4' }));
      await remove();
      await remove();
      expect(await readdir(join(uploads(), 'x'))).toEqual(['kept.mp4']);
    });

    it('writes nothing outside of its folder', async () => {
      expect(await refusalOf(put('out/outside', 'changed'))).toEqual(['AccessDenied', 403]);
      expect(await readFile(join(folder, 'outside'), 'utf8')).toBe('secret');
    });

    it('refuses a body that is not the one that was signed', async () => {
      const client = clientWith();
      client.middlewareStack.add(
        (next) => (args) => {
          Object.assign(args.request as object, { body: 'other' });
          return next(args);
        },
        { step: 'finalizeRequest', priority: 'low' },
      );
      const other = client.send(new PutObjectCommand({ Bucket: 'uploads', Key: 'a.mp4', Body: CONTENT.slice(0, 5) }));
      expect(await refusalOf(other)).toEqual(['XAmzContentSHA256Mismatch', 400]);
    });
  });

  describe('with a fault', () => {
    it('answers with the error, as often as it was armed', async () => {
      s3.arm({ kind: 'error', code: 'SlowDown' }, 2);
      const client = clientWith();
      expect([await refusalOf(get({}, client)), await refusalOf(get({}, client))]).toEqual([
        ['SlowDown', 503],
        ['SlowDown', 503],
      ]);
      expect((await get({}, client)).text).toBe(CONTENT);
    });

    it('breaks off in the middle of the body', async () => {
      s3.arm({ kind: 'cut', afterBytes: 4 });
      await expect(get({})).rejects.toThrow('aborted');
    });

    it('sends a body whose checksum the SDK finds wrong', async () => {
      s3.arm({ kind: 'corrupt' });
      await expect(get({})).rejects.toThrow('Checksum mismatch');
    });

    it('goes silent in the middle of the body', async () => {
      s3.arm({ kind: 'stall', afterBytes: 4 });
      const { Body } = await clientWith().send(new GetObjectCommand({ Bucket: 'assets', Key: 'a b/ü+&.mp4' }));
      const body = Body as AsyncIterable<Buffer> & { destroy(): void };
      const [first] = await Promise.all([body[Symbol.asyncIterator]().next()]);
      body.destroy();
      expect(String(first.value)).toBe('ABCD');
    });
  });
});
