import * as v from 'valibot';
import type { ParticipantState } from '../model/participant.ts';

const clientMessageSchema = v.variant('type', [
  v.object({ type: v.literal('SET_STATE'), audioMuted: v.boolean(), videoStopped: v.boolean() }),
  v.object({ type: v.literal('PING') }),
  v.object({
    type: v.literal('aws:ivs:EXCHANGE_TOKEN'),
    payload: v.object({ oldToken: v.string(), newToken: v.string(), requestId: v.string(), traceId: v.string() }),
  }),
]);

/** What the IVS SDK sends on the events socket. */
export type ClientMessage = v.InferOutput<typeof clientMessageSchema>;

export type DisconnectCode = 'PARTICIPANT_DISCONNECTED' | 'STAGE_DELETED' | 'TOKEN_REUSED' | (string & {});

/** What the stage sends on the events socket. */
export type StageMessage =
  | {
      type: 'STAGE_STATE';
      payload: { sequenceNumber: number; stageId: string; participants: readonly ParticipantState[] };
    }
  | { type: 'PONG' }
  | { type: 'aws:ivs:DISCONNECT'; payload: { code: DisconnectCode; reason: string } }
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
