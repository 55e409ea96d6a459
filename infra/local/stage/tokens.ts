import { createPublicKey } from 'node:crypto';
import { decodeProtectedHeader, errors, exportSPKI, generateKeyPair, jwtVerify, SignJWT } from 'jose';
import * as v from 'valibot';
import { newId, publicKeyArn } from './model/ids.ts';
import type { Identity } from './model/participant.ts';

/** The only signature algorithm of participant tokens (Amazon IVS, "create tokens with a key pair"). */
const ALGORITHM = 'ES384';

/** How long a token lasts when nothing is asked for: 12 hours, as `CreateParticipantToken` documents. */
export const DEFAULT_DURATION_MINUTES = 720;

/** A key pair that signs participant tokens; `arn` is the `kid` of the tokens. */
export interface SigningKey {
  readonly arn: string;
  readonly privateKey: CryptoKey;
  /** PEM, as `ImportPublicKey` takes it. */
  readonly publicKeyMaterial: string;
}

/** The stage that a token is for, with the two addresses that the IVS SDK takes from the token. */
export interface TokenStage {
  readonly arn: string;
  readonly eventsUrl: string;
  readonly whipUrl: string;
}

/** What to put into a token. Everything has a default; the participant id is random. */
export interface TokenOptions {
  participantId?: string;
  userId?: string;
  attributes?: Record<string, string>;
  capabilities?: readonly ('PUBLISH' | 'SUBSCRIBE')[];
  /** Lifetime in minutes, from `issuedAt`. */
  duration?: number;
  /** Default: now. A past one makes an expired token. */
  issuedAt?: Date;
}

export interface ParticipantToken {
  readonly token: string;
  readonly participantId: string;
  readonly expirationTime: Date;
}

/** A token that was found good: whose it is, for which stage, and by which key. */
export interface VerifiedToken {
  readonly identity: Identity;
  readonly stageArn: string;
  readonly eventsUrl: string;
  readonly whipUrl: string;
  /** ARN of the key that signed it. */
  readonly keyArn: string;
  readonly expiresAtMs: number;
}

/** A token that is no good. The message never holds the token. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  readonly code: 'TOKEN_EXPIRED' | 'TOKEN_INVALID';

  constructor(code: TokenError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Makes a key pair of the kind that participant tokens are signed with. */
export async function generateSigningKey(arn: string = publicKeyArn(newId())): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  return { arn, privateKey, publicKeyMaterial: await exportSPKI(publicKey) };
}

/** The id in a stage's ARN, which tokens carry as `topic`. */
export function stageIdOf(arn: string): string {
  return arn.slice(arn.lastIndexOf('/') + 1);
}

/** Signs a participant token. Another key, stage, time or capability makes a token that the stage must refuse. */
export async function signParticipantToken(
  key: Pick<SigningKey, 'arn' | 'privateKey'>,
  stage: TokenStage,
  options: TokenOptions = {},
): Promise<ParticipantToken> {
  const participantId = options.participantId ?? newId();
  const capabilities = options.capabilities ?? ['PUBLISH', 'SUBSCRIBE'];
  const issuedAtSeconds = Math.floor((options.issuedAt?.getTime() ?? Date.now()) / 1_000);
  const expiresAtSeconds = issuedAtSeconds + (options.duration ?? DEFAULT_DURATION_MINUTES) * 60;
  const token = await new SignJWT({
    resource: stage.arn,
    topic: stageIdOf(stage.arn),
    events_url: stage.eventsUrl,
    whip_url: stage.whipUrl,
    user_id: options.userId ?? '',
    attributes: options.attributes ?? {},
    capabilities: {
      allow_publish: capabilities.includes('PUBLISH'),
      allow_subscribe: capabilities.includes('SUBSCRIBE'),
    },
    version: '1.0',
  })
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT', kid: key.arn })
    .setJti(participantId)
    .setIssuedAt(issuedAtSeconds)
    .setExpirationTime(expiresAtSeconds)
    .sign(key.privateKey);
  return { token, participantId, expirationTime: new Date(expiresAtSeconds * 1_000) };
}

const claimsSchema = v.object({
  exp: v.number(),
  iat: v.number(),
  jti: v.pipe(v.string(), v.minLength(1), v.maxLength(64), v.regex(/^[a-zA-Z0-9-_]*$/)),
  resource: v.string(),
  topic: v.string(),
  events_url: v.string(),
  whip_url: v.string(),
  user_id: v.optional(v.string(), ''),
  attributes: v.optional(v.record(v.string(), v.string()), {}),
  capabilities: v.object({
    allow_publish: v.optional(v.boolean(), false),
    allow_subscribe: v.optional(v.boolean(), false),
  }),
  version: v.literal('1.0'),
});

/**
 * Reads a participant token and checks its signature, its time and its claims.
 *
 * @param publicKeyMaterialOf gives the PEM of the key with an ARN, or `undefined` where there is none
 * @throws {TokenError} `TOKEN_EXPIRED` for one that is past its time, `TOKEN_INVALID` for all else
 */
export async function verifyParticipantToken(
  token: string,
  publicKeyMaterialOf: (keyArn: string) => string | undefined,
  now: Date,
): Promise<VerifiedToken> {
  const keyArn = keyArnOf(token);
  const publicKeyMaterial = publicKeyMaterialOf(keyArn);
  if (publicKeyMaterial === undefined) {
    throw new TokenError('TOKEN_INVALID', 'The token names a key that this stage does not know in its header kid.');
  }
  const payload = await jwtVerify(token, createPublicKey(publicKeyMaterial), {
    algorithms: [ALGORITHM],
    currentDate: now,
  }).then(
    (result) => result.payload,
    (cause: unknown) => {
      if (cause instanceof errors.JWTExpired) throw new TokenError('TOKEN_EXPIRED', 'The token has expired.');
      throw new TokenError('TOKEN_INVALID', 'The signature of the token does not match its content and key.');
    },
  );
  const claims = v.safeParse(claimsSchema, payload);
  if (!claims.success) {
    const path = v.getDotPath(claims.issues[0]) ?? 'claims';
    throw new TokenError('TOKEN_INVALID', `The token's ${path} is not as expected: ${claims.issues[0].expected}.`);
  }
  const { output } = claims;
  if (output.topic !== stageIdOf(output.resource)) {
    throw new TokenError('TOKEN_INVALID', "The token's topic is not the id in its resource.");
  }
  return {
    identity: {
      participantId: output.jti,
      userId: output.user_id,
      attributes: output.attributes,
      capabilities: { publish: output.capabilities.allow_publish, subscribe: output.capabilities.allow_subscribe },
    },
    stageArn: output.resource,
    eventsUrl: output.events_url,
    whipUrl: output.whip_url,
    keyArn,
    expiresAtMs: output.exp * 1_000,
  };
}

function keyArnOf(token: string): string {
  try {
    const { kid } = decodeProtectedHeader(token);
    if (kid !== undefined) return kid;
  } catch {
    throw new TokenError('TOKEN_INVALID', 'The token is not a JSON Web Token.');
  }
  throw new TokenError('TOKEN_INVALID', 'The token has no kid in its header.');
}
