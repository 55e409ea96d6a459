import { LEGAL_PREDECESSORS, type VpStatus } from '../../../machines/status.ts';

const STATUSES = Object.keys(LEGAL_PREDECESSORS) as VpStatus[];

/**
 * Which records of the stream of the virtual participants' table are changes of a status, as a filter pattern of
 * EventBridge; everyone's heartbeat is in the same stream every ten seconds. A pattern compares a record with constants
 * alone, never one image with the other, so each write leaves in `statusBefore` what the status was until then, and the
 * pattern names each status.
 *
 * For the event source mapping of a Lambda function and for a pipe alike: both take `$or` and `anything-but` ("Filter rule
 * syntax" in the Lambda Developer Guide; "Event filtering in Amazon EventBridge Pipes"), and neither more than five
 * filters, which is why this is one. The stream must hold new images (`NEW_IMAGE` or `NEW_AND_OLD_IMAGES`).
 */
export const STATUS_CHANGE_PATTERN = {
  $or: STATUSES.map((status) => ({
    dynamodb: {
      NewImage: {
        status: { S: [status] },
        statusBefore: { S: [{ 'anything-but': [status] }] },
      },
    },
  })),
};
