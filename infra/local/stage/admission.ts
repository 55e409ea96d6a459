import type { Clock } from './model/clock.ts';
import type { Identity } from './model/participant.ts';
import type { Limits, Registry } from './model/registry.ts';
import type { Stage } from './model/stage.ts';
import { Refusal } from './refusal.ts';
import { type SigningKey, TokenError, type VerifiedToken, verifyParticipantToken } from './tokens.ts';

/** A bearer of a good token for a stage that exists. */
export interface Admitted {
  readonly stage: Stage;
  readonly identity: Identity;
  readonly verified: VerifiedToken;
}

export type Admit = (token: string, need?: 'publish' | 'subscribe') => Promise<Admitted>;

/**
 * Makes the one check that the events socket, WHIP and WHEP share: signature, time, stage, participant, capability.
 * It throws a {@link Refusal} that names what is wrong.
 */
export function createAdmission(registry: Registry, ownKey: SigningKey, clock: Clock, limits: Limits): Admit {
  const publicKeyMaterialOf = (arn: string) =>
    arn === ownKey.arn ? ownKey.publicKeyMaterial : registry.publicKey(arn)?.publicKeyMaterial;

  return async (token, need) => {
    const verified = await verifyParticipantToken(token, publicKeyMaterialOf, new Date(clock.now())).catch(
      (error: unknown) => {
        if (error instanceof TokenError) throw new Refusal(error.code, error.message);
        throw error;
      },
    );
    const stage = registry.stage(verified.stageArn);
    if (stage === undefined) {
      throw registry.isDeleted(verified.stageArn)
        ? new Refusal('STAGE_DELETED', 'The stage of this token was deleted.')
        : new Refusal('STAGE_NOT_FOUND', 'There is no stage with the ARN in this token.');
    }
    const { identity } = verified;
    if (stage.isDisconnected(identity.participantId)) {
      throw new Refusal('PARTICIPANT_DISCONNECTED', 'The participant of this token was disconnected from the stage.');
    }
    if (stage.size >= limits.participantsPerStage && !stage.has(identity.participantId)) {
      throw new Refusal('STAGE_AT_CAPACITY', `The stage has ${stage.size} participants, which is its limit.`);
    }
    if (need !== undefined && !identity.capabilities[need]) {
      throw new Refusal('TOKEN_NOT_ALLOWED', `The token does not allow its bearer to ${need}.`);
    }
    return { stage, identity, verified };
  };
}
