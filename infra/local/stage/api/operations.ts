import { createHash, createPublicKey } from 'node:crypto';
import type { ParticipantRecord } from '../model/participant.ts';
import type { Limits, PublicKey, Registry } from '../model/registry.ts';
import type { Session, Stage } from '../model/stage.ts';
import { type SigningKey, signParticipantToken } from '../tokens.ts';
import { ApiError } from './errors.ts';
import { paginate } from './paging.ts';
import type { OperationName, Request } from './schemas.ts';

export interface Endpoints {
  /** `ws:` URL of the events socket. */
  readonly events: string;
  /** `http:` URL of WHIP. */
  readonly whip: string;
}

type TokenConfiguration = Request<'CreateStage'>['participantTokenConfigurations'][number];

export type Operations = { [Name in OperationName]: (request: Request<Name>) => Promise<object> };

/** The operations of the REST API on a registry. Each throws {@link ApiError}. */
export function createOperations({
  registry,
  ownKey,
  limits,
  endpoints,
}: {
  registry: Registry;
  ownKey: SigningKey;
  limits: Limits;
  endpoints: () => Endpoints;
}): Operations {
  const tokenStage = ({ arn }: Stage) => ({ arn, eventsUrl: endpoints().events, whipUrl: endpoints().whip });

  const describe = (stage: Stage) => ({ ...summary(stage), endpoints: endpoints() });

  function stageOf(arn: string): Stage {
    const stage = registry.stage(arn);
    if (stage === undefined) throw new ApiError('ResourceNotFoundException', `There is no stage ${arn}.`);
    return stage;
  }

  function sessionOf(arn: string, sessionId: string): Session {
    const session = stageOf(arn).sessions.find(({ id }) => id === sessionId);
    if (session === undefined) {
      throw new ApiError('ResourceNotFoundException', `There is no session ${sessionId} of stage ${arn}.`);
    }
    return session;
  }

  function publicKeyOf(arn: string): PublicKey {
    const publicKey = registry.publicKey(arn);
    if (publicKey === undefined) throw new ApiError('ResourceNotFoundException', `There is no public key ${arn}.`);
    return publicKey;
  }

  async function createToken(stage: Stage, { duration, userId, attributes, capabilities }: TokenConfiguration) {
    const asked = { duration, userId, attributes, capabilities };
    const signed = await signParticipantToken(ownKey, tokenStage(stage), asked);
    return { ...asked, ...signed, expirationTime: signed.expirationTime.toISOString() };
  }

  return {
    async CreateStage({ name, tags, participantTokenConfigurations, autoParticipantRecordingConfiguration }) {
      const storageConfigurationArn = autoParticipantRecordingConfiguration?.storageConfigurationArn ?? '';
      if (storageConfigurationArn !== '') {
        throw new ApiError(
          'ResourceNotFoundException',
          `There is no storage configuration ${storageConfigurationArn}.`,
        );
      }
      expectRoom('stages', registry.stages.length, limits.stages);
      const stage = registry.createStage(name, tags);
      const participantTokens = await Promise.all(participantTokenConfigurations.map((one) => createToken(stage, one)));
      return { stage: describe(stage), participantTokens };
    },

    async GetStage({ arn }) {
      return { stage: describe(stageOf(arn)) };
    },

    async ListStages(request) {
      const { page, ...rest } = paginate(registry.stages, ({ arn }) => arn, request);
      return { stages: page.map(summary), ...rest };
    },

    async DeleteStage({ arn }) {
      stageOf(arn);
      registry.deleteStage(arn);
      return {};
    },

    async CreateParticipantToken({ stageArn, ...configuration }) {
      return { participantToken: await createToken(stageOf(stageArn), configuration) };
    },

    async DisconnectParticipant({ stageArn, participantId, reason }) {
      stageOf(stageArn).disconnect(participantId, reason);
      return {};
    },

    async ListStageSessions({ stageArn, ...request }) {
      const { page, ...rest } = paginate(stageOf(stageArn).sessions, ({ id }) => id, request);
      return { stageSessions: page.map(sessionSummary), ...rest };
    },

    async ListParticipants({ stageArn, sessionId, ...request }) {
      const found = [...sessionOf(stageArn, sessionId).participants.values()].filter((one) => matches(one, request));
      const { page, ...rest } = paginate(found, ({ identity }) => identity.participantId, request);
      return { participants: page.map(participantSummary), ...rest };
    },

    async GetParticipant({ stageArn, sessionId, participantId }) {
      const record = sessionOf(stageArn, sessionId).participants.get(participantId);
      if (record === undefined) {
        throw new ApiError('ResourceNotFoundException', `There is no participant ${participantId} in ${sessionId}.`);
      }
      return {
        participant: {
          ...participantSummary(record),
          ...record.client,
          attributes: record.identity.attributes,
          protocol: record.published ? 'WHIP' : 'UNKNOWN',
          recordingS3BucketName: '',
          recordingS3Prefix: '',
        },
      };
    },

    async ImportPublicKey({ publicKeyMaterial, name, tags }) {
      const fingerprint = fingerprintOf(publicKeyMaterial);
      if (registry.publicKeys.some((one) => one.fingerprint === fingerprint)) {
        throw new ApiError('ConflictException', 'publicKeyMaterial: this key was imported before.');
      }
      expectRoom('public keys', registry.publicKeys.length, limits.publicKeys);
      return { publicKey: registry.addPublicKey({ name, tags, publicKeyMaterial, fingerprint }) };
    },

    async GetPublicKey({ arn }) {
      return { publicKey: publicKeyOf(arn) };
    },

    async ListPublicKeys(request) {
      const { page, ...rest } = paginate(registry.publicKeys, ({ arn }) => arn, request);
      return { publicKeys: page.map(({ arn, name, tags }) => ({ arn, name, tags })), ...rest };
    },

    async DeletePublicKey({ arn }) {
      publicKeyOf(arn);
      registry.deletePublicKey(arn);
      return {};
    },
  };
}

function expectRoom(what: string, count: number, limit: number): void {
  if (count >= limit)
    throw new ApiError('ServiceQuotaExceededException', `There are ${count} ${what}, which is the limit.`);
}

function summary(stage: Stage): object {
  const activeSessionId = stage.activeSession?.id;
  return {
    arn: stage.arn,
    name: stage.name,
    tags: stage.tags,
    ...(activeSessionId !== undefined && { activeSessionId }),
  };
}

function sessionSummary({ id, startTimeMs, endTimeMs }: Session): object {
  return {
    sessionId: id,
    startTime: new Date(startTimeMs).toISOString(),
    ...(endTimeMs !== undefined && { endTime: new Date(endTimeMs).toISOString() }),
  };
}

function participantSummary({ identity, state, firstJoinTimeMs, published }: ParticipantRecord): object {
  return {
    participantId: identity.participantId,
    userId: identity.userId,
    state,
    firstJoinTime: new Date(firstJoinTimeMs).toISOString(),
    published,
    recordingState: 'DISABLED',
    replicationType: 'NONE',
  };
}

function matches(
  { identity, state, published }: ParticipantRecord,
  filters: Omit<Request<'ListParticipants'>, 'stageArn' | 'sessionId'>,
): boolean {
  if (filters.filterByUserId !== undefined) return identity.userId === filters.filterByUserId;
  if (filters.filterByPublished !== undefined) return published === filters.filterByPublished;
  if (filters.filterByState !== undefined) return state === filters.filterByState;
  return filters.filterByRecordingState === undefined;
}

/** MD5 of the DER, in pairs: the same shape as the service's. */
function fingerprintOf(publicKeyMaterial: string): string {
  let key: ReturnType<typeof createPublicKey>;
  try {
    key = createPublicKey(publicKeyMaterial);
  } catch {
    throw new ApiError('ValidationException', 'publicKeyMaterial: expected a public key in PEM.');
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'secp384r1') {
    throw new ApiError('ValidationException', 'publicKeyMaterial: expected a key of the curve P-384, for ES384.');
  }
  const digest = createHash('md5')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('hex');
  return (digest.match(/../g) ?? []).join(':');
}
