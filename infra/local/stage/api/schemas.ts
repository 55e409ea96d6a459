import * as v from 'valibot';

/*
 * What the operations take: names, lengths and patterns of the service's model (API version 2020-07-14). A field that an
 * operation does not know is dropped, as the service does.
 */

const text = (minLength: number, maxLength: number) =>
  v.pipe(v.string(), v.minLength(minLength), v.maxLength(maxLength));

const arnOf = (kind: string) =>
  v.pipe(text(1, 128), v.regex(new RegExp(`^arn:aws:ivs:[a-z0-9-]+:[0-9]+:${kind}/[a-zA-Z0-9-]+$`)));

const integer = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));

const stageArn = arnOf('stage');
const name = v.optional(v.pipe(text(0, 128), v.regex(/^[a-zA-Z0-9-_]*$/)), '');
const sessionId = v.pipe(text(16, 16), v.regex(/^st-[a-zA-Z0-9]+$/));
const participantId = v.pipe(text(0, 64), v.regex(/^[a-zA-Z0-9-_]*$/));

const tags = v.optional(v.pipe(v.record(text(1, 128), text(0, 256)), v.maxEntries(50)), {});

/** All keys and values together: 1 KB of UTF-8. */
const MAX_ATTRIBUTES_BYTES = 1_024;

const attributes = v.optional(
  v.pipe(
    v.record(v.string(), v.string()),
    v.check(
      (all) =>
        Object.entries(all).reduce((sum, pair) => sum + Buffer.byteLength(pair.join('')), 0) <= MAX_ATTRIBUTES_BYTES,
      `Expected keys and values of at most ${MAX_ATTRIBUTES_BYTES} bytes in all`,
    ),
  ),
  {},
);

const tokenConfiguration = v.object({
  duration: v.optional(integer(1, 20_160), 720),
  userId: v.optional(text(0, 128), ''),
  attributes,
  capabilities: v.optional(v.pipe(v.array(v.picklist(['PUBLISH', 'SUBSCRIBE'])), v.maxLength(2)), [
    'PUBLISH',
    'SUBSCRIBE',
  ]),
});

const page = {
  nextToken: v.optional(v.pipe(text(0, 1_024), v.regex(/^[a-zA-Z0-9+/=_-]*$/))),
  maxResults: v.optional(integer(1, 100), 50),
};

const FILTERS = ['filterByUserId', 'filterByPublished', 'filterByState', 'filterByRecordingState'] as const;

/** By operation, the shape of its request. */
export const REQUESTS = {
  CreateStage: v.object({
    name,
    tags,
    participantTokenConfigurations: v.optional(v.pipe(v.array(tokenConfiguration), v.maxLength(12)), []),
    autoParticipantRecordingConfiguration: v.optional(v.object({ storageConfigurationArn: v.string() })),
  }),
  GetStage: v.object({ arn: stageArn }),
  ListStages: v.object(page),
  DeleteStage: v.object({ arn: stageArn }),
  CreateParticipantToken: v.object({ stageArn, ...tokenConfiguration.entries }),
  DisconnectParticipant: v.object({ stageArn, participantId, reason: v.optional(text(0, 128), '') }),
  ListStageSessions: v.object({ stageArn, ...page }),
  ListParticipants: v.pipe(
    v.object({
      stageArn,
      sessionId,
      filterByUserId: v.optional(text(0, 128)),
      filterByPublished: v.optional(v.boolean()),
      filterByState: v.optional(v.picklist(['CONNECTED', 'DISCONNECTED'])),
      filterByRecordingState: v.optional(v.picklist(['STARTING', 'ACTIVE', 'STOPPING', 'STOPPED', 'FAILED'])),
      ...page,
    }),
    v.check(
      (request) => FILTERS.filter((filter) => request[filter] !== undefined).length <= 1,
      `Expected at most one of ${FILTERS.join(', ')}`,
    ),
  ),
  GetParticipant: v.object({ stageArn, sessionId, participantId }),
  ImportPublicKey: v.object({ publicKeyMaterial: v.string(), name, tags }),
  GetPublicKey: v.object({ arn: arnOf('public-key') }),
  ListPublicKeys: v.object(page),
  DeletePublicKey: v.object({ arn: arnOf('public-key') }),
} as const;

export type OperationName = keyof typeof REQUESTS;
export type Request<Name extends OperationName> = v.InferOutput<(typeof REQUESTS)[Name]>;
