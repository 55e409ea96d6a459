import '../../infra/local/quiet-aws-sdk.ts';

import { isDeepStrictEqual } from 'node:util';
import {
  CreateParticipantTokenCommand,
  CreateStageCommand,
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
  /** As {@link start}, unwatched. `alone`: it gets no setting but these, so that it has no GraphQL API. */
  startUnwatched(id: string, environment?: Readonly<Record<string, string>>, alone?: 'alone'): VirtualParticipant;
  /** Arms a fault at the stage's test control. */
  fault(spec: object): Promise<void>;
  /** Resolves once every fault that was armed has struck. */
  untilStruck(): Promise<void>;
  clearFaults(): Promise<void>;
  /** Resolves once the stage's newest session says so of a participant. */
  untilParticipant(userId: string, is: ParticipantOfStage): Promise<void>;
  /** Resolves once these are on the stage, by user id; the viewer is not counted. */
  untilPresent(userIds: readonly string[], stageArn?: string): Promise<void>;
  /** Resolves once this one is not on the stage, whoever else is. */
  untilAbsent(userId: string): Promise<void>;
  /** Steps that some record made and none may make. */
  illegalSteps(): string[];
  /** Lines that any server printed and that hold what looks like a secret. */
  leaks(): string[];
  close(): Promise<void>;
}

export interface ParticipantOfStage {
  state: 'CONNECTED' | 'DISCONNECTED';
  /** Whether it ever was. */
  published: boolean;
}

/** The stage takes a participant that has left for gone after 100 ms, one that broke off after 10 s. */
const STAGE_TIMEOUT_MS = 5_000;

/** A participant token or another JSON Web Token, an API key, a private key, and the page's secret (24 bytes in base64url). */
const SECRETS = /eyJ[\w-]{10,}|da2-\w+|PRIVATE KEY|(?<![\w/-])[\w-]{32}(?![\w-])/;

export async function startWholeSystem(): Promise<WholeSystem> {
  const [services, chromium] = await Promise.all([
    startLocalServices({ stagePort: 0, stageControlPort: 0, appSyncPort: 0, s3Port: 0 }),
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
  const participantsOf = async (arn: string) => {
    const { stageSessions } = await ivs.send(new ListStageSessionsCommand({ stageArn: arn }));
    const sessionId = stageSessions?.[0]?.sessionId;
    if (sessionId === undefined) return [];
    return (await ivs.send(new ListParticipantsCommand({ stageArn: arn, sessionId }))).participants ?? [];
  };
  const untilOnStage = async (isRight: (userIds: string[]) => boolean, arn: string) => {
    let present: string[] = [];
    const isSo = async () => {
      present = (await participantsOf(arn))
        .filter(({ state, userId }) => state === 'CONNECTED' && userId !== 'viewer')
        .map(({ userId }) => userId ?? '');
      return isRight(present);
    };
    await until(isSo, STAGE_TIMEOUT_MS, () => `On the stage are: ${present}`);
  };
  const all: VirtualParticipant[] = [];
  const startUnwatched: WholeSystem['startUnwatched'] = (id, environment = {}, alone) => {
    const graphQl = { url: services.appSync.url, apiKey: DEFAULT_API_KEY };
    const common = alone ? {} : services.environment;
    const started = new VirtualParticipant({ id, environment: { ...common, ...environment }, stageArn, graphQl });
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
    async start(id, environment) {
      const started = startUnwatched(id, environment);
      await started.watch();
      return started;
    },
    startUnwatched,
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
    async untilParticipant(userId, is) {
      let found: ParticipantOfStage | null = null;
      const isSo = async () => {
        const one = (await participantsOf(stageArn)).find((participant) => participant.userId === userId);
        found =
          one === undefined
            ? null
            : { state: one.state as ParticipantOfStage['state'], published: one.published ?? false };
        return isDeepStrictEqual(found, is);
      };
      await until(isSo, STAGE_TIMEOUT_MS, () => `The participant is ${JSON.stringify(found)}`);
    },
    untilPresent: (userIds, arn = stageArn) => untilOnStage((present) => isDeepStrictEqual(present, userIds), arn),
    untilAbsent: (userId) => untilOnStage((present) => !present.includes(userId), stageArn),
    illegalSteps: () => all.flatMap((one) => one.illegalSteps()),
    leaks() {
      const printed = all.flatMap(({ lines, texts }) => [...lines.map((line) => JSON.stringify(line)), ...texts]);
      if (printed.length === 0) throw new Error('No server printed anything.');
      return printed.filter((line) => SECRETS.test(line));
    },
    async close() {
      await Promise.all(all.map((one) => one.close()));
      ivs.destroy();
      await chromium.close();
      await pages.close();
      await services.close();
    },
  };
}
