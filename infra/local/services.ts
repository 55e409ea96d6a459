import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type AppSyncServer, DEFAULT_CREDENTIALS, startAppSync } from './appsync/server.ts';
import { type S3Server, startS3 } from './s3/server.ts';
import { type StageServer, startStage } from './stage/server.ts';

export interface LocalServicesOptions {
  /** 0: any free one. Defaults: those of each service. */
  stagePort?: number;
  stageControlPort?: number;
  appSyncPort?: number;
  s3Port?: number;
  /** Takes a line per thing that went wrong inside. */
  log?: (line: string) => void;
}

/** All that stands in for AWS on one machine. */
export interface LocalServices {
  readonly stage: StageServer;
  readonly appSync: AppSyncServer;
  /** Its bucket `assets` is the folder of that name. */
  readonly s3: S3Server;
  /** The settings by which the server, or any AWS SDK, finds these in place of AWS. */
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

const ASSETS_DIR = fileURLToPath(new URL('../../assets', import.meta.url));

/**
 * Starts the local stage, the local AppSync and the local S3, with the bucket `assets`, which is that folder, and the empty bucket
 * `uploads`, which can be written and goes with the services.
 *
 * @throws {Error} if a port is taken; it names the port and what to do, and nothing is left running.
 */
export async function startLocalServices(options: LocalServicesOptions = {}): Promise<LocalServices> {
  const log = options.log ? { log: options.log } : {};
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    await Promise.all(closers.map((closeOne) => closeOne()));
  };
  try {
    const stage = await startStage({
      ...(options.stagePort !== undefined && { port: options.stagePort }),
      ...(options.stageControlPort !== undefined && { controlPort: options.stageControlPort }),
      ...log,
    });
    closers.push(() => stage.close());
    const appSync = await startAppSync({
      ...(options.appSyncPort !== undefined && { port: options.appSyncPort }),
      ...log,
    });
    closers.push(() => appSync.close());
    const uploads = await mkdtemp(join(tmpdir(), 'vp-uploads-'));
    closers.push(() => rm(uploads, { recursive: true }));
    const s3 = await startS3({
      ...(options.s3Port !== undefined && { port: options.s3Port }),
      buckets: { assets: { folder: ASSETS_DIR }, uploads: { folder: uploads, isWritable: true } },
      credentials: DEFAULT_CREDENTIALS,
      ...log,
    });
    closers.push(() => s3.close());
    return {
      stage,
      appSync,
      s3,
      environment: {
        GRAPHQL_API_URL: appSync.url,
        AWS_ENDPOINT_URL_IVS_REALTIME: stage.url,
        AWS_ENDPOINT_URL_S3: s3.url,
        AWS_REGION: 'us-west-2',
        AWS_ACCESS_KEY_ID: DEFAULT_CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: DEFAULT_CREDENTIALS.secretAccessKey,
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
