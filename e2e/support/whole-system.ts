import '../../infra/local/quiet-aws-sdk.ts';

import {
  CreateParticipantTokenCommand,
  CreateStageCommand,
  GetParticipantCommand,
  IVSRealTimeClient,
  ListParticipantsCommand,
  ListStageSessionsCommand,
} from '@aws-sdk/client-ivs-realtime';
import { DEFAULT_API_KEY } from '../../infra/local/appsync/server.ts';
import { servePages } from '../../infra/local/demo/page-server.ts';
import { type LocalServices, startLocalServices } from '../../infra/local/services.ts';
import { launchChromium } from '../../server/chromium/launch.ts';
import { openViewer, type ViewerPage } from './pages.ts';
import { until, VirtualParticipant } from './virtual-participant.ts';

/** Everything on one machine, and a viewer on its stage. */
export interface WholeSystem {
  readonly services: LocalServices;
  readonly ivs: IVSRealTimeClient;
  /** The stage that the viewer is on. */
  readonly stageArn: string;
  readonly viewer: ViewerPage;
  newStage(): Promise<string>;
  newToken(userId: string): Promise<{ token: string; participantId: string }>;
  /** Starts a server and watches it; it need not be ready yet. */
  start(id: string, environment?: Readonly<Record<string, string>>): Promise<VirtualParticipant>;
  /** Starts a server that has no GraphQL API. */
  startAlone(id: string, environment: Readonly<Record<string, string>>): VirtualParticipant;
  /** Arms a fault at the stage's test control. */
  fault(spec: object): Promise<void>;
  /** Resolves once every fault that was armed has struck. */
  untilStruck(): Promise<void>;
  clearFaults(): Promise<void>;
  /** What the stage's newest session knows of a participant; `null`: it has never been there. */
  participant(participantId: string, stageArn?: string): Promise<{ state: string; published: boolean } | null>;
  /** Who is on a stage now, by user id; the viewer is not counted. */
  present(stageArn?: string): Promise<string[]>;
  /** Lines that any server printed and that hold what looks like a secret. */
  leaks(): string[];
  close(): Promise<void>;
}

/** A participant token or another JSON Web Token, an API key, a private key, and the page's secret (24 bytes in base64url). */
const SECRETS = /eyJ[\w-]{10,}|da2-\w+|PRIVATE KEY|(?<![\w/-])[\w-]{32}(?![\w-])/;

export async function startWholeSystem(): Promise<WholeSystem> {
  const [services, chromium] = await Promise.all([
    startLocalServices({ stagePort: 0, stageControlPort: 0, appSyncPort: 0 }),
    launchChromium({ loopbackIce: true }),
  ]);
  const ivs = new IVSRealTimeClient({
    region: 'us-west-2',
    endpoint: services.stage.url,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const newStage = async () => (await ivs.send(new CreateStageCommand({}))).stage?.arn ?? '';
  const stageArn = await newStage();
  const newToken = async (userId: string) => {
    const { participantToken } = await ivs.send(new CreateParticipantTokenCommand({ stageArn, userId }));
    return { token: participantToken?.token ?? '', participantId: participantToken?.participantId ?? '' };
  };
  const pages = await servePages({
    port: 0,
    api: { settings: async () => ({ stagePageUrl: '', graphqlUrl: '' }), token: () => newToken('viewer') },
  });
  const viewer = await openViewer({ chromium, pages });
  const faults = (method: string, body?: object) =>
    fetch(`${services.stage.controlUrl}/faults`, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  const sessionOf = async (arn: string) =>
    (await ivs.send(new ListStageSessionsCommand({ stageArn: arn }))).stageSessions?.[0]?.sessionId ?? null;
  const all: VirtualParticipant[] = [];
  const run = (...[options]: ConstructorParameters<typeof VirtualParticipant>) => {
    const started = new VirtualParticipant(options);
    all.push(started);
    return started;
  };

  return {
    services,
    ivs,
    stageArn,
    viewer,
    newStage,
    newToken,
    async start(id, environment = {}) {
      const graphQl = { url: services.appSync.url, apiKey: DEFAULT_API_KEY };
      const started = run({ id, environment: { ...services.environment, ...environment }, stageArn, graphQl });
      await started.watch();
      return started;
    },
    startAlone: (id, environment) => run({ id, environment, stageArn, graphQl: null }),
    async fault(spec) {
      const response = await faults('POST', spec);
      if (!response.ok) throw new Error(`The fault was refused: ${await response.text()}`);
    },
    untilStruck: () =>
      until(
        async () => ((await (await faults('GET')).json()) as { faults: unknown[] }).faults.length === 0,
        10_000,
        () => 'A fault did not strike',
      ),
    async clearFaults() {
      await faults('DELETE');
    },
    async participant(participantId, arn = stageArn) {
      const sessionId = await sessionOf(arn);
      if (sessionId === null) return null;
      try {
        const { participant } = await ivs.send(new GetParticipantCommand({ stageArn: arn, sessionId, participantId }));
        return { state: participant?.state ?? '', published: participant?.published ?? false };
      } catch (error) {
        if ((error as Error).name === 'ResourceNotFoundException') return null;
        throw error;
      }
    },
    async present(arn = stageArn) {
      const sessionId = await sessionOf(arn);
      if (sessionId === null) return [];
      const { participants = [] } = await ivs.send(
        new ListParticipantsCommand({ stageArn: arn, sessionId, filterByState: 'CONNECTED' }),
      );
      return participants.map(({ userId }) => userId ?? '').filter((userId) => userId !== 'viewer');
    },
    leaks: () =>
      all
        .flatMap(({ lines, texts }) => [...lines.map((line) => JSON.stringify(line)), ...texts])
        .filter((line) => SECRETS.test(line)),
    async close() {
      await Promise.all(all.map((one) => one.close()));
      ivs.destroy();
      await chromium.close();
      await pages.close();
      await services.close();
    },
  };
}
