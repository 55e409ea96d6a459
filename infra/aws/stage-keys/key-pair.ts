import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import * as v from 'valibot';

/** What the secret holds; ECS gives a task each field as a setting of its own. Both are texts. */
export interface StageKeys {
  /** ARN of the public key in IVS; `STAGE_PUBLIC_KEY_ARN` of the server. */
  readonly publicKeyArn: string;
  /** PEM (PKCS #8); `STAGE_PRIVATE_KEY` of the server. */
  readonly privateKey: string;
}

const stageKeysSchema = v.object({
  publicKeyArn: v.pipe(v.string(), v.regex(/^arn:aws[a-z-]*:ivs:[a-z0-9-]+:\d+:public-key\/\S+$/)),
  privateKey: v.pipe(v.string(), v.check(isPrivateKey)),
});

/** Makes a key pair of the curve that IVS takes ("Creating tokens with a key pair"): P-384, for ES384. Both as PEM. */
export function makeKeyPair(): { publicKey: string; privateKey: string } {
  return generateKeyPairSync('ec', {
    namedCurve: 'P-384',
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
}

/** Reads a version of the secret. `null`: it holds no key pair. It says no more, since the reason could hold the key. */
export function parseStageKeys(text: string | null): StageKeys | null {
  if (text === null) return null;
  try {
    return v.parse(stageKeysSchema, JSON.parse(text));
  } catch {
    return null;
  }
}

function isPrivateKey(pem: string): boolean {
  try {
    return createPrivateKey(pem).asymmetricKeyDetails?.namedCurve === 'secp384r1';
  } catch {
    return false;
  }
}
