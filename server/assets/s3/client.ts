import type { Readable } from 'node:stream';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { within } from '../../deadline.ts';
import type { S3Name } from '../names.ts';
import type { ObjectAnswer } from './download.ts';
import { statusOf } from './failures.ts';

/** Which version of an object is wanted, and which part. */
export interface ObjectRequest {
  /** Only if the object is not of this version. */
  unlessEtag?: string;
  /** Only what follows this byte, and only of this version. */
  rest?: { fromByte: number; etag: string };
}

/** Objects of S3. Each call ends by its own deadline, or at once by its signal. */
export interface Objects {
  /** @returns the object as it begins to come, or `null` if S3 says that its version is not the wanted one. */
  get(name: S3Name, request: ObjectRequest, signal: AbortSignal): Promise<ObjectAnswer | null>;
  /** Ends the connections that are kept open. */
  close(): void;
}

/** Of one call: the first may meet a connection that has gone stale, the second a moment's trouble. */
const MAX_ATTEMPTS = 3;
const CONNECT_TIMEOUT_MS = 1_500;
/** Until the answer begins; what follows is watched by who takes it. */
const ATTEMPT_TIMEOUT_MS = 3_000;
const CALL_TIMEOUT_MS = 10_000;

/** Knows the region of every bucket, and where no other is set it is asked first. */
const FALLBACK_REGION = 'us-east-1';
const MAX_BUCKETS_KEPT = 1_000;
const NOT_MODIFIED = 304;
const PRECONDITION_FAILED = 412;

/**
 * S3 through the AWS SDK, which finds credentials, region and `AWS_ENDPOINT_URL_S3` by itself.
 *
 * Path style is not asked for: the SDK takes it by itself for an endpoint that is an IP address, and for buckets with
 * dots, whose names no certificate of S3 covers.
 */
export function createObjects(): Objects {
  // Ten lines on each start with Node 20, about a version of the SDK to come.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const clients = new Map<string, S3Client>();
  // The SDK's own `followRegionRedirects` changes the region of a client for all calls that are under way.
  const regions = new Map<string, string>();
  const first = clientWith({});
  const homeRegion = () => first.config.region().catch(() => FALLBACK_REGION);

  function clientOf(region: string): S3Client {
    const client = clients.get(region) ?? clientWith({ region, credentials: first.config.credentials });
    clients.set(region, client);
    return client;
  }

  async function send(bucket: string, command: GetObjectCommand, abortSignal: AbortSignal) {
    const region = regions.get(bucket) ?? (await homeRegion());
    try {
      return await clientOf(region).send(command, { abortSignal });
    } catch (error) {
      const actual = bucketRegionOf(error);
      if (actual === null || actual === region) throw error;
      if (regions.size >= MAX_BUCKETS_KEPT) regions.clear();
      regions.set(bucket, actual);
      return clientOf(actual).send(command, { abortSignal });
    }
  }

  return {
    async get({ bucket, key }, { unlessEtag, rest }, signal) {
      const command = new GetObjectCommand({
        Bucket: bucket,
        Key: key,
        ...(unlessEtag !== undefined && { IfNoneMatch: unlessEtag }),
        ...(rest && { Range: `bytes=${rest.fromByte}-`, IfMatch: rest.etag }),
      });
      try {
        const answer = await within(CALL_TIMEOUT_MS, signal, (limit) => send(bucket, command, limit));
        return {
          body: answer.Body as unknown as Readable,
          etag: answer.ETag ?? '"none"',
          lengthBytes: answer.ContentLength ?? 0,
        };
      } catch (error) {
        const status = statusOf(error);
        if (unlessEtag !== undefined && status === NOT_MODIFIED) return null;
        if (rest !== undefined && status === PRECONDITION_FAILED) return null;
        throw error;
      }
    },
    close() {
      for (const client of [first, ...clients.values()]) client.destroy();
    },
  };
}

function clientWith(
  config: Pick<ConstructorParameters<typeof S3Client>[0] & object, 'region' | 'credentials'>,
): S3Client {
  return new S3Client({
    ...config,
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: ATTEMPT_TIMEOUT_MS,
      throwOnRequestTimeout: true,
    },
  });
}

/** Where S3 says that the bucket is ("Making requests to S3": a redirect, or a signature for the wrong region). */
function bucketRegionOf(error: unknown): string | null {
  const status = statusOf(error);
  if (status !== 301 && status !== 307 && status !== 400) return null;
  const { $response } = error as { $response?: { headers?: Record<string, string> } };
  return $response?.headers?.['x-amz-bucket-region'] ?? null;
}
