import '../../infra/local/quiet-aws-sdk.ts';

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CreateParticipantTokenCommand,
  CreateStageCommand,
  ImportPublicKeyCommand,
  IVSRealTimeClient,
} from '@aws-sdk/client-ivs-realtime';
import { type PageServer, servePages } from '../../infra/local/demo/page-server.ts';
import { type StageServer, startStage } from '../../infra/local/stage/server.ts';
import { generateSigningKey, type SigningKey, type TokenStage } from '../../infra/local/stage/tokens.ts';
import { type Chromium, launchChromium } from '../../server/chromium/launch.ts';

export const COUNTER = fileURLToPath(new URL('../../assets/counter.mp4', import.meta.url));

/** Everything that a page needs to publish into a stage, on loopback, real to the last part. */
export interface System {
  readonly stage: StageServer;
  readonly pages: PageServer;
  readonly chromium: Chromium;
  readonly ivs: IVSRealTimeClient;
  /** The stage that tokens are for, and a key that it knows. */
  readonly stageArn: string;
  readonly tokenStage: TokenStage;
  readonly key: SigningKey;
  /** For assets that a test makes. Files of these names are served: see `startSystem`. */
  readonly assetsDir: string;
  newToken(
    userId: string,
    capabilities?: ('PUBLISH' | 'SUBSCRIBE')[],
  ): Promise<{ token: string; participantId: string }>;
  /** Arms a fault at the stage's test control. */
  fault(spec: object): Promise<void>;
  close(): Promise<void>;
}

/** Starts a system; `assetNames` are the files of its `assetsDir` that it serves beside `counter.mp4`. */
export async function startSystem(assetNames: readonly string[] = []): Promise<System> {
  const assetsDir = await mkdtemp(join(tmpdir(), 'vp-assets-'));
  const [stage, chromium, key] = await Promise.all([
    startStage({ port: 0, controlPort: 0 }),
    launchChromium({ loopbackIce: true }),
    generateSigningKey(),
  ]);
  const ivs = new IVSRealTimeClient({
    region: 'us-east-1',
    endpoint: stage.url,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const [{ stage: created }, { publicKey }] = await Promise.all([
    ivs.send(new CreateStageCommand({ name: 'e2e' })),
    ivs.send(new ImportPublicKeyCommand({ publicKeyMaterial: key.publicKeyMaterial })),
  ]);
  const stageArn = created?.arn ?? '';
  const newToken: System['newToken'] = async (userId, capabilities = ['PUBLISH', 'SUBSCRIBE']) => {
    const { participantToken } = await ivs.send(new CreateParticipantTokenCommand({ stageArn, userId, capabilities }));
    return { token: participantToken?.token ?? '', participantId: participantToken?.participantId ?? '' };
  };
  const pages = await servePages({
    port: 0,
    assets: [COUNTER, ...assetNames.map((name) => join(assetsDir, name))],
    api: {
      settings: async () => ({ asset: 'counter.mp4', stagePageUrl: stage.url }),
      token: () => newToken('viewer'),
    },
  });

  return {
    stage,
    pages,
    chromium,
    ivs,
    stageArn,
    tokenStage: { arn: stageArn, eventsUrl: created?.endpoints?.events ?? '', whipUrl: created?.endpoints?.whip ?? '' },
    key: { ...key, arn: publicKey?.arn ?? '' },
    assetsDir,
    newToken,
    async fault(spec) {
      const response = await fetch(`${stage.controlUrl}/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(spec),
      });
      if (!response.ok) throw new Error(`The fault was refused: ${await response.text()}`);
    },
    async close() {
      await chromium.close();
      await pages.close();
      await stage.close();
      await rm(assetsDir, { recursive: true, force: true });
    },
  };
}
