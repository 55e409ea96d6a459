import {
  CreateParticipantTokenCommand,
  DisconnectParticipantCommand,
  GetStageCommand,
  IVSRealTimeClient,
  ParticipantTokenCapability,
} from '@aws-sdk/client-ivs-realtime';
import type { StageKeyPair } from '../config.ts';
import { within } from '../deadline.ts';
import { badInput, failureOf, isStageMissing, noStage, type Operation } from './failures.ts';
import type { Ivs, TokenRequest } from './ivs.ts';
import { signToken, TOKEN_MINUTES, type TokenBearer, type TokenStage } from './sign.ts';
import { homeOf, parseStageArn, type StageArn } from './stage-arn.ts';

export interface AwsIvsOptions {
  /** Signs tokens for the stages of its own account and region. Default: every token comes from IVS. */
  stageKeyPair?: StageKeyPair | null;
  /** For a call with all its attempts. Default: 10,000 ms, half of what an invite may take for its preparation. */
  callTimeoutMs?: number;
  now?: () => number;
}

/** Of one call: the first may meet a connection that has gone stale, the second a moment's trouble. */
const MAX_ATTEMPTS = 3;
const CONNECT_TIMEOUT_MS = 1_500;
const ATTEMPT_TIMEOUT_MS = 3_000;

/** IVS's own limits ("CreateParticipantToken"); nobody checks those of a token that is signed here before it is used. */
const MAX_USER_ID_CHARACTERS = 128;
const MAX_ATTRIBUTES_BYTES = 1_024;
const MAX_REASON_CHARACTERS = 128;

/** Endpoints are asked for again after a day, so that a server that runs for months follows when they change. */
const ENDPOINTS_MAX_AGE_MS = 24 * 60 * 60 * 1_000;
const MAX_STAGES_KEPT = 1_000;

/**
 * IVS through the AWS SDK, which finds credentials and `AWS_ENDPOINT_URL_IVS_REALTIME` by itself. Each stage is asked
 * for in the region of its ARN.
 */
export function createAwsIvs(options: AwsIvsOptions = {}): Ivs {
  const { stageKeyPair = null, callTimeoutMs = 10_000, now = Date.now } = options;
  // Ten lines on each start with Node 20, about a version of the SDK to come.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const clients = new Map<string, IVSRealTimeClient>();
  const stages = new Map<string, { stage: TokenStage; untilMs: number }>();

  function clientOf(region: string): IVSRealTimeClient {
    const [first] = clients.values();
    const client =
      clients.get(region) ??
      new IVSRealTimeClient({
        region,
        maxAttempts: MAX_ATTEMPTS,
        requestHandler: {
          connectionTimeout: CONNECT_TIMEOUT_MS,
          requestTimeout: ATTEMPT_TIMEOUT_MS,
          throwOnRequestTimeout: true,
        },
        ...(first && { credentials: first.config.credentials }),
      });
    clients.set(region, client);
    return client;
  }

  async function call<Answer>(
    operation: Operation,
    stageArn: string,
    signal: AbortSignal,
    run: (client: IVSRealTimeClient, arn: StageArn, options: { abortSignal: AbortSignal }) => Promise<Answer>,
  ): Promise<Answer> {
    const arn = parseStageArn(stageArn);
    if (arn === null) throw noStage(stageArn);
    try {
      return await within(callTimeoutMs, signal, (abortSignal) => run(clientOf(arn.region), arn, { abortSignal }));
    } catch (error) {
      signal.throwIfAborted();
      throw failureOf(error, operation, stageArn);
    }
  }

  /** `null`: IVS names no endpoints, so a token for this stage can only come from IVS itself. */
  async function tokenStageOf(arn: string, signal: AbortSignal): Promise<TokenStage | null> {
    const kept = stages.get(arn);
    if (kept !== undefined && now() < kept.untilMs) return kept.stage;
    stages.delete(arn);
    const stage = await call('GetStage', arn, signal, async (client, { stageId }, http) => {
      const { endpoints } = (await client.send(new GetStageCommand({ arn }), http)).stage ?? {};
      if (!endpoints?.events || !endpoints.whip) return null;
      return { arn, id: stageId, eventsUrl: endpoints.events, whipUrl: endpoints.whip };
    });
    if (stage === null) return null;
    const [oldest] = stages.keys();
    if (oldest !== undefined && stages.size >= MAX_STAGES_KEPT) stages.delete(oldest);
    stages.set(arn, { stage, untilMs: now() + ENDPOINTS_MAX_AGE_MS });
    return stage;
  }

  const canSign = (stageArn: string) => stageKeyPair !== null && homeOf(stageKeyPair.publicKeyArn) === homeOf(stageArn);

  return {
    async prepareToken(request, signal) {
      signal.throwIfAborted();
      const { stageArn } = request;
      const bearer = bearerOf(request);
      const stage = canSign(stageArn) ? await tokenStageOf(stageArn, signal) : null;
      if (stageKeyPair !== null && stage !== null) return signToken(stageKeyPair, stage, bearer);

      return call('CreateParticipantToken', stageArn, signal, async (client, _, http) => {
        const command = new CreateParticipantTokenCommand({
          stageArn,
          duration: TOKEN_MINUTES,
          userId: bearer.userId,
          attributes: { ...bearer.attributes },
          capabilities: [ParticipantTokenCapability.PUBLISH],
        });
        const { token, participantId } = (await client.send(command, http)).participantToken ?? {};
        if (!token || !participantId) throw new Error('The answer has no token or no participant id.');
        return { participantToken: token, participantId };
      });
    },

    async disconnect({ stageArn, participantId, reason }, signal) {
      signal.throwIfAborted();
      return call('DisconnectParticipant', stageArn, signal, async (client, _, http) => {
        const command = new DisconnectParticipantCommand({
          stageArn,
          participantId,
          reason: reason.slice(0, MAX_REASON_CHARACTERS),
        });
        try {
          await client.send(command, http);
        } catch (error) {
          if (!isStageMissing(error)) throw error;
          stages.delete(stageArn);
          return 'was not there';
        }
        return 'disconnected';
      });
    },

    async warm(stageArn, signal) {
      signal.throwIfAborted();
      if (canSign(stageArn)) await tokenStageOf(stageArn, signal);
      else await call('CreateParticipantToken', stageArn, signal, (client) => client.config.credentials());
    },

    close() {
      for (const client of clients.values()) client.destroy();
    },
  };
}

function bearerOf({ userId, vpId, attributes }: TokenRequest): TokenBearer {
  if (userId !== null && (userId.length < 1 || userId.length > MAX_USER_ID_CHARACTERS)) {
    throw badInput(`The userId has ${userId.length} characters; expected 1 to ${MAX_USER_ID_CHARACTERS}.`);
  }
  const bytes = Object.entries(attributes).reduce((sum, pair) => sum + Buffer.byteLength(pair.join('')), 0);
  if (bytes > MAX_ATTRIBUTES_BYTES) {
    throw badInput(`The attributes have ${bytes} bytes; expected at most ${MAX_ATTRIBUTES_BYTES} of UTF-8.`);
  }
  return { userId: userId ?? vpId, attributes };
}
