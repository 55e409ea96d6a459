import { randomInt } from 'node:crypto';

/** The region and account in every ARN of the local stage: made up, and shaped as AWS's own patterns ask. */
const ARN_PREFIX = 'arn:aws:ivs:us-west-2:123456789012';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

function randomText(length: number): string {
  return Array.from({ length }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
}

/** A stage, participant or key id: 12 letters and digits. */
export const newId = (): string => randomText(12);

/** A stage session id, of the 16 characters that the service's model asks for. */
export const newSessionId = (): string => `st-${randomText(13)}`;

export const stageArn = (stageId: string): string => `${ARN_PREFIX}:stage/${stageId}`;

export const publicKeyArn = (keyId: string): string => `${ARN_PREFIX}:public-key/${keyId}`;
