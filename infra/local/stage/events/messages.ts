import * as v from 'valibot';
import type { ParticipantState } from '../model/participant.ts';

/*
 * The messages of the events socket, as IVS Web Broadcast SDK 1.41.0 was seen to send and to take them. There is no
 * public description of it.
 */

const clientMessageSchema = v.variant('type', [
  v.object({ type: v.literal('SET_STATE'), audioMuted: v.boolean(), videoStopped: v.boolean() }),
  v.object({ type: v.literal('PING') }),
  v.object({
    type: v.literal('aws:ivs:EXCHANGE_TOKEN'),
    payload: v.object({ oldToken: v.string(), newToken: v.string(), requestId: v.string(), traceId: v.string() }),
  }),
]);

/** What the IVS SDK sends. */
export type ClientMessage = v.InferOutput<typeof clientMessageSchema>;

/**
 * What the stage sends. The SDK maps the codes `PARTICIPANT_DISCONNECTED`, `STAGE_DELETED` and `TOKEN_REUSED` of a
 * DISCONNECT to its reasons for leaving, and the codes `TOKEN_EXPIRED`, `TOKEN_INVALID`, `STAGE_DELETED` and
 * `PARTICIPANT_DISCONNECTED` of a JOIN_ERROR to its errors; any other code is an unspecific one.
 */
export type StageMessage =
  | {
      type: 'STAGE_STATE';
      /** The SDK drops a state whose number is not above that of the last. */
      payload: { sequenceNumber: number; stageId: string; participants: readonly ParticipantState[] };
    }
  | { type: 'PONG' }
  | { type: 'aws:ivs:DISCONNECT'; payload: { code: string; reason: string } }
  | { type: 'aws:ivs:JOIN_ERROR'; payload: { code: string; message: string } }
  | { type: 'aws:ivs:EXCHANGE_TOKEN'; payload: { requestId: string; traceId: string; error?: string } };

/** Reads a message of the SDK. Gives `undefined` for one the stage has no use for, as a newer SDK may send. */
export function parseClientMessage(text: string): ClientMessage | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = v.safeParse(clientMessageSchema, json);
  return parsed.success ? parsed.output : undefined;
}

export const stringifyStageMessage = (message: StageMessage): string => JSON.stringify(message);
