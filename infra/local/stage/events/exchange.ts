import type { Admit } from '../admission.ts';
import { Refusal } from '../refusal.ts';
import type { Media } from '../whip/media.ts';
import type { Connection } from './connection.ts';
import type { ClientMessage } from './messages.ts';

type Exchange = Extract<ClientMessage, { type: 'aws:ivs:EXCHANGE_TOKEN' }>['payload'];

/**
 * Takes a new token for the one a participant joined with, and answers. What it says of user id, attributes and
 * capabilities holds from then on; media it no longer allows ends. Refused, the SDK leaves the stage by itself.
 */
export async function exchangeToken(
  connection: Connection,
  { newToken, requestId, traceId }: Exchange,
  { admit, media, ownKeyArn }: { admit: Admit; media: Media; ownKeyArn: string },
): Promise<void> {
  const answer = (error?: string) =>
    connection.send({
      type: 'aws:ivs:EXCHANGE_TOKEN',
      payload: { requestId, traceId, ...(error !== undefined && { error }) },
    });
  try {
    const admitted = await admit(newToken);
    const { stage, identity, verified } = admitted;
    const old = connection.admitted.verified;
    if (verified.keyArn === ownKeyArn || old.keyArn === ownKeyArn) {
      return answer('Only tokens made with a key pair can be exchanged.');
    }
    const same =
      verified.stageArn === old.stageArn &&
      identity.participantId === old.identity.participantId &&
      verified.eventsUrl === old.eventsUrl &&
      verified.whipUrl === old.whipUrl;
    if (!same) return answer('The new token is of another stage, participant or address than the old one.');
    connection.admitted = admitted;
    stage.setIdentity(identity);
    for (const resource of media.of(stage, identity.participantId)) {
      if (!identity.capabilities[resource.kind]) resource.session.close();
    }
    answer();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    answer(error.message);
  }
}
