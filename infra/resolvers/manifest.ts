/**
 * What the files of this folder are put together to, as plain data: read by whatever creates the API, on AWS or on one
 * machine.
 */

/** Each table; `environment` is the API's environment variable in which the resolvers find its name. */
export const TABLES = {
  virtualParticipants: {
    partitionKey: 'id',
    environment: 'VIRTUAL_PARTICIPANT_TABLE',
    /** All attributes projected. `lastSeenAt` is a number, milliseconds since 1970. */
    index: { name: 'byStatus', partitionKey: 'status', sortKey: 'lastSeenAt' },
    /**
     * The attribute after which DynamoDB deletes an item, seconds since 1970: seven days after its last write. It keeps
     * the table as small as the pool; nothing relies on it, since DynamoDB deletes late.
     */
    timeToLive: 'expiresAt',
  },
  inviteTokens: {
    partitionKey: 'clientToken',
    environment: 'INVITE_TOKEN_TABLE',
    /** The attribute after which DynamoDB deletes an item, seconds since 1970. */
    timeToLive: 'expiresAt',
  },
} as const;

export type TableName = keyof typeof TABLES;

/** The table that each AppSync function is bound to. `claim` writes to both, so its role must reach both. */
export const FUNCTIONS = {
  findReplay: 'inviteTokens',
  findCandidates: 'virtualParticipants',
  claim: 'virtualParticipants',
  endInvite: 'virtualParticipants',
  readRecord: 'virtualParticipants',
  takeOver: 'virtualParticipants',
} as const satisfies Record<string, TableName>;

export type FunctionName = keyof typeof FUNCTIONS;

/** One field's resolver: a unit resolver on a table, or a pipeline of at most ten functions. */
export type ResolverPlan = { table: TableName } | { functions: readonly FunctionName[] };

/** Each field with a resolver, by `Type.field`, which is also its file's name. */
export const RESOLVERS = {
  'Query.getVirtualParticipant': { table: 'virtualParticipants' },
  'Query.listVirtualParticipants': { table: 'virtualParticipants' },
  'Mutation.inviteVirtualParticipant': {
    // One `claim` for each candidate: a pipeline has no loops.
    functions: ['findReplay', 'findCandidates', 'claim', 'claim', 'claim', 'claim', 'claim', 'claim', 'claim', 'claim'],
  },
  // The second ends an invite whose container does not answer.
  'Mutation.kickVirtualParticipant': { functions: ['endInvite', 'endInvite'] },
  'Mutation.registerVirtualParticipant': { functions: ['readRecord', 'takeOver'] },
  'Mutation.reportVirtualParticipant': { table: 'virtualParticipants' },
  'Mutation.heartbeatVirtualParticipant': { table: 'virtualParticipants' },
} as const satisfies Record<string, ResolverPlan>;
