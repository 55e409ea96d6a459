import { type AppSyncServer, DEFAULT_CREDENTIALS, startAppSync } from './appsync/server.ts';
import { type StageServer, startStage } from './stage/server.ts';

export interface LocalServicesOptions {
  /** 0: any free one. Defaults: those of each service. */
  stagePort?: number;
  stageControlPort?: number;
  appSyncPort?: number;
  /** Takes a line per thing that went wrong inside. */
  log?: (line: string) => void;
}

/** All that stands in for AWS on one machine. */
export interface LocalServices {
  readonly stage: StageServer;
  readonly appSync: AppSyncServer;
  /** The settings by which the server, or any AWS SDK, finds these in place of AWS. */
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/**
 * Starts the local stage and the local AppSync.
 *
 * @throws {Error} if a port is taken; it names the port and what to do, and nothing is left running.
 */
export async function startLocalServices(options: LocalServicesOptions = {}): Promise<LocalServices> {
  const log = options.log ? { log: options.log } : {};
  const stage = await startStage({
    ...(options.stagePort !== undefined && { port: options.stagePort }),
    ...(options.stageControlPort !== undefined && { controlPort: options.stageControlPort }),
    ...log,
  });
  const appSync = await startAppSync({
    ...(options.appSyncPort !== undefined && { port: options.appSyncPort }),
    ...log,
  }).catch(async (error) => {
    await stage.close();
    throw error;
  });
  return {
    stage,
    appSync,
    environment: {
      GRAPHQL_API_URL: appSync.url,
      AWS_ENDPOINT_URL_IVS_REALTIME: stage.url,
      AWS_REGION: 'us-west-2',
      AWS_ACCESS_KEY_ID: DEFAULT_CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: DEFAULT_CREDENTIALS.secretAccessKey,
    },
    async close() {
      await Promise.all([stage.close(), appSync.close()]);
    },
  };
}
