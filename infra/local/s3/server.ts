import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { Credentials } from '../sigv4.ts';
import { isLoopbackHost } from '../stage/http.ts';
import { admit } from './admission.ts';
import { S3Error } from './errors.ts';
import { type Fault, Faults, spoil } from './faults.ts';
import { Objects, type StoredObject } from './objects.ts';
import { type Part, readRange } from './range.ts';
import { deleteObject, writeObject } from './writing.ts';

export const DEFAULT_PORT = 4_200;
const HOST = '127.0.0.1';
const DEFAULT_REGION = 'us-west-2';
/** So many of the last requests are remembered. */
const MOST_REQUESTS = 1_000;

/** A folder that is a bucket: its files are the objects, their paths the keys. */
export interface Bucket {
  folder: string;
  /** Where it is asked for without a redirect. Default: us-west-2. */
  region?: string;
  /** Whether objects can be put and deleted; the folder is then given as an absolute path. Default: it can only be read. */
  isWritable?: boolean;
}

export interface S3Options {
  /** 0: any free one. Default: {@link DEFAULT_PORT}. */
  port?: number;
  /** By name. */
  buckets: Readonly<Record<string, Bucket>>;
  /** Whose signatures are admitted. */
  credentials: Credentials;
  /** Takes a line per thing that went wrong inside. Default: none. */
  log?: (line: string) => void;
}

/** A request that was answered, or broken off. */
export interface SeenRequest {
  method: string;
  bucket: string;
  key: string;
  range: string | null;
  ifMatch: string | null;
  ifNoneMatch: string | null;
  /** The region that it was signed for; `null` if it was not admitted. */
  region: string | null;
  status: number;
}

/** A running local S3. */
export interface S3Server {
  /** For `AWS_ENDPOINT_URL_S3`. */
  readonly url: string;
  /** The last requests, oldest first. */
  readonly requests: readonly SeenRequest[];
  /** Lets a fault strike so many of the requests to come. Default: one. */
  arm(fault: Fault, times?: number): void;
  /** Disarms what has not struck. */
  clearFaults(): void;
  /** Ends every connection. */
  close(): Promise<void>;
}

/**
 * Starts a local S3 that serves folders as buckets.
 *
 * @throws {Error} if the port is taken; it names the port and says what to do
 */
export async function startS3(options: S3Options): Promise<S3Server> {
  const { port = DEFAULT_PORT, buckets, credentials, log = () => undefined } = options;
  const objects = new Objects();
  const faults = new Faults();
  const requests: SeenRequest[] = [];

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const address = readAddress(request.url ?? '/');
    const seen = noteRequest(request, address);
    const remember = () => {
      requests.push({ ...seen, status: response.statusCode });
      if (requests.length > MOST_REQUESTS) requests.shift();
    };
    try {
      if (!isLoopbackHost(request)) throw new S3Error('AccessDenied');
      const { path, query, bucket: name, key } = address;
      seen.region = admit(
        { method: seen.method, path, query, headers: request.headers as Record<string, string> },
        credentials,
      );
      const bucket = Object.hasOwn(buckets, name) ? buckets[name] : undefined;
      if (bucket === undefined) throw new S3Error('NoSuchBucket');
      const { region = DEFAULT_REGION } = bucket;
      if (region !== seen.region) throw new S3Error('PermanentRedirect', { 'x-amz-bucket-region': region });
      const isRead = seen.method === 'GET' || seen.method === 'HEAD';
      if (key === '' || !(isRead || bucket.isWritable)) throw new S3Error('MethodNotAllowed');
      if (!isRead) {
        await write(request, response, bucket.folder, key);
        return remember();
      }
      const fault = faults.take();
      if (fault?.kind === 'error') throw new S3Error(fault.code);
      if (fault?.kind === 'late') await new Promise((resolve) => setTimeout(resolve, fault.delayMs));
      const object = await objects.find(bucket.folder, key);
      if (object === null) throw new S3Error('NoSuchKey');
      const part = writeHead(request, response, object);
      remember();
      if (part === null) return void response.end();
      response.flushHeaders();
      await pipeline(
        createReadStream(object.path, { start: part.first, end: part.last }),
        spoil(fault, () => response.destroy()),
        response,
      );
    } catch (error) {
      if (response.headersSent) return void response.destroy();
      if (!(error instanceof S3Error)) log(`S3: ${seen.method} failed: ${String(error)}`);
      const refusal = error instanceof S3Error ? error : new S3Error('InternalError');
      response.writeHead(refusal.status, { ...commonHeaders(), 'content-type': 'application/xml', ...refusal.headers });
      response.end(seen.method === 'HEAD' ? '' : refusal.toXml());
      remember();
    }
  }

  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = `Port ${port} is taken: stop what listens there, or give the local S3 another port (0: any).`;
      reject(error.code === 'EADDRINUSE' ? new Error(taken) : error);
    });
    server.listen(port, HOST, resolve);
  });
  return {
    url: `http://${HOST}:${(server.address() as AddressInfo).port}`,
    requests,
    arm: (fault, times) => faults.arm(fault, times),
    clearFaults: () => faults.clear(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface Address {
  path: string;
  query: string;
  bucket: string;
  key: string;
}

/** Of a request in path style: `/bucket/key`. The key of one that cannot be decoded is empty. */
function readAddress(url: string): Address {
  const [path = '/', query = ''] = url.split('?', 2);
  const [, bucket = '', ...rest] = path.split('/');
  try {
    return { path, query, bucket, key: decodeURIComponent(rest.join('/')) };
  } catch {
    return { path, query, bucket, key: '' };
  }
}

function noteRequest({ method = '', headers }: IncomingMessage, { bucket, key }: Address): SeenRequest {
  return {
    method,
    bucket,
    key,
    range: headers.range ?? null,
    ifMatch: headers['if-match'] ?? null,
    ifNoneMatch: headers['if-none-match'] ?? null,
    region: null,
    status: 0,
  };
}

/**
 * Begins the answer for an object that is there.
 *
 * @returns the part to send, or `null` if there is no body.
 * @throws {S3Error} if a condition does not hold, or the range.
 */
function writeHead(request: IncomingMessage, response: ServerResponse, object: StoredObject): Part | null {
  const { headers, method } = request;
  const { etag, size, lastModified } = object;
  const { 'if-match': ifMatch, 'if-none-match': ifNoneMatch } = headers;
  if (ifMatch !== undefined && ifMatch !== '*' && ifMatch !== etag) throw new S3Error('PreconditionFailed');
  const about = { ...commonHeaders(), etag, 'last-modified': lastModified.toUTCString() };
  if (ifNoneMatch !== undefined && (ifNoneMatch === '*' || ifNoneMatch === etag)) {
    response.writeHead(304, about);
    return null;
  }
  const range = readRange(headers.range, size);
  const part = range ?? { first: 0, last: size - 1 };
  const wantsChecksum = headers['x-amz-checksum-mode'] === 'ENABLED' && range === null;
  response.writeHead(range === null ? 200 : 206, {
    ...about,
    'accept-ranges': 'bytes',
    'content-type': 'binary/octet-stream',
    'content-length': part.last - part.first + 1,
    ...(range && { 'content-range': `bytes ${part.first}-${part.last}/${size}` }),
    ...(wantsChecksum && { 'x-amz-checksum-crc32': object.crc32, 'x-amz-checksum-type': 'FULL_OBJECT' }),
  });
  return method === 'HEAD' || size === 0 ? null : part;
}

/** @throws {S3Error} if it is no PUT or DELETE, or cannot be done */
async function write(request: IncomingMessage, response: ServerResponse, folder: string, key: string): Promise<void> {
  if (request.method === 'PUT') {
    const etag = await writeObject(folder, key, request);
    response.writeHead(200, { ...commonHeaders(), etag }).end();
  } else if (request.method === 'DELETE') {
    await deleteObject(folder, key);
    response.writeHead(204, commonHeaders()).end();
  } else throw new S3Error('MethodNotAllowed');
}

function commonHeaders(): Record<string, string> {
  return { 'x-amz-request-id': randomUUID(), server: 'local S3' };
}
