import { createPrivateKey, createPublicKey } from 'node:crypto';
import { jwtVerify } from 'jose';
import { signToken } from '../../../server/ivs/sign.ts';
import type { StageKeys } from './key-pair.ts';

/** No stage: the token is checked here and given to nobody. */
const STAGE = {
  arn: 'arn:aws:ivs:us-east-1:000000000000:stage/rotation',
  id: 'rotation',
  eventsUrl: 'wss://rotation.invalid/',
  whipUrl: 'https://rotation.invalid/',
};

/**
 * Whether a token that the server signs with this private key is one that the public key (PEM) of IVS accepts: the very
 * code that signs the tokens of invites signs this one.
 */
export async function signsFor(publicKey: string, keys: StageKeys): Promise<boolean> {
  const pair = { publicKeyArn: keys.publicKeyArn, privateKey: createPrivateKey(keys.privateKey) };
  const { participantToken } = await signToken(pair, STAGE, { userId: '', attributes: {} });
  return jwtVerify(participantToken, createPublicKey(publicKey), { algorithms: ['ES384'] }).then(
    ({ protectedHeader }) => protectedHeader.kid === keys.publicKeyArn,
    () => false,
  );
}
