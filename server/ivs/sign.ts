import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import type { StageKeyPair } from '../config.ts';
import type { PreparedToken } from './ivs.ts';

/** The stage that a token is for; the two addresses are the `endpoints` of `GetStage`. */
export interface TokenStage {
  readonly arn: string;
  readonly id: string;
  readonly eventsUrl: string;
  readonly whipUrl: string;
}

export interface TokenBearer {
  readonly userId: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** 25 hours: IVS takes a participant off the stage after 24, so the token never ends first. */
export const TOKEN_MINUTES = 1_500;

/**
 * Signs a participant token with a key pair, as Amazon IVS describes it ("Create tokens with a key pair"): ES384, with
 * the ARN of the public key as `kid`. It may publish and not subscribe.
 */
export async function signToken(key: StageKeyPair, stage: TokenStage, bearer: TokenBearer): Promise<PreparedToken> {
  const participantId = randomUUID();
  const issuedAtSeconds = Math.floor(Date.now() / 1_000);
  const participantToken = await new SignJWT({
    resource: stage.arn,
    topic: stage.id,
    events_url: stage.eventsUrl,
    whip_url: stage.whipUrl,
    user_id: bearer.userId,
    attributes: bearer.attributes,
    capabilities: { allow_publish: true, allow_subscribe: false },
    version: '1.0',
  })
    .setProtectedHeader({ alg: 'ES384', typ: 'JWT', kid: key.publicKeyArn })
    .setJti(participantId)
    .setIssuedAt(issuedAtSeconds)
    .setExpirationTime(issuedAtSeconds + TOKEN_MINUTES * 60)
    .sign(key.privateKey);
  return { participantToken, participantId };
}
