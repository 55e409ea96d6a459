import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import {
  generateSigningKey,
  type SigningKey,
  signParticipantToken,
  type TokenOptions,
  verifyParticipantToken,
} from './tokens.ts';

const STAGE = {
  arn: 'arn:aws:ivs:us-west-2:123456789012:stage/AbCd12345678',
  eventsUrl: 'ws://127.0.0.1:4100/events',
  whipUrl: 'http://127.0.0.1:4100/whip',
};
const ISSUED_AT = new Date('2026-01-01T00:00:00Z');
const OPTIONS: TokenOptions = {
  participantId: 'vp1',
  userId: 'alice',
  attributes: { seat: '1' },
  duration: 10,
  issuedAt: ISSUED_AT,
};

const verify = (token: string, key: SigningKey, now = ISSUED_AT) =>
  verifyParticipantToken(token, (arn) => (arn === key.arn ? key.publicKeyMaterial : undefined), now);

describe('a participant token', () => {
  test('has the claims that AWS documents for tokens made with a key pair', async () => {
    const key = await generateSigningKey();
    const { token, participantId, expirationTime } = await signParticipantToken(key, STAGE, OPTIONS);
    expect(participantId).toBe('vp1');
    expect(expirationTime).toEqual(new Date('2026-01-01T00:10:00Z'));
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES384', typ: 'JWT', kid: key.arn });
    expect(decodeJwt(token)).toEqual({
      exp: expirationTime.getTime() / 1_000,
      iat: ISSUED_AT.getTime() / 1_000,
      jti: 'vp1',
      resource: STAGE.arn,
      topic: 'AbCd12345678',
      events_url: STAGE.eventsUrl,
      whip_url: STAGE.whipUrl,
      user_id: 'alice',
      attributes: { seat: '1' },
      capabilities: { allow_publish: true, allow_subscribe: true },
      version: '1.0',
    });
  });

  test('verifies as what it was signed for', async () => {
    const key = await generateSigningKey();
    const { token } = await signParticipantToken(key, STAGE, { ...OPTIONS, capabilities: ['SUBSCRIBE'] });
    expect(await verify(token, key)).toEqual({
      identity: {
        participantId: 'vp1',
        userId: 'alice',
        attributes: { seat: '1' },
        capabilities: { publish: false, subscribe: true },
      },
      stageArn: STAGE.arn,
      eventsUrl: STAGE.eventsUrl,
      whipUrl: STAGE.whipUrl,
      keyArn: key.arn,
      expiresAtMs: Date.parse('2026-01-01T00:10:00Z'),
    });
  });

  test('expires after its duration', async () => {
    const key = await generateSigningKey();
    const { token } = await signParticipantToken(key, STAGE, OPTIONS);
    await expect(verify(token, key, new Date('2026-01-01T00:10:00Z'))).rejects.toMatchObject({
      code: 'TOKEN_EXPIRED',
      message: 'The token has expired.',
    });
  });

  test('is no good when another key signed it under the name of this one', async () => {
    const [key, other] = await Promise.all([generateSigningKey(), generateSigningKey()]);
    const { token } = await signParticipantToken({ ...other, arn: key.arn }, STAGE, OPTIONS);
    await expect(verify(token, key)).rejects.toMatchObject({
      code: 'TOKEN_INVALID',
      message: 'The signature of the token does not match its content and key.',
    });
  });

  test('is no good when its key is not known', async () => {
    const [key, other] = await Promise.all([generateSigningKey(), generateSigningKey()]);
    const { token } = await signParticipantToken(other, STAGE, OPTIONS);
    await expect(verify(token, key)).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
  });

  test.each([
    ['nothing', ''],
    ['no token at all', 'hello'],
    ['three parts of nothing', 'a.b.c'],
    ['no kid', 'eyJhbGciOiJFUzM4NCJ9.e30.c2ln'],
  ])('is no good when it is %s', async (_what, token) => {
    await expect(verify(token, await generateSigningKey())).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
  });

  test.each([
    ['topic', { topic: 'another' }, "The token's topic is not the id in its resource."],
    ['version', { version: '2.0' }, 'The token\'s version is not as expected: "1.0".'],
    ['jti', { jti: 'a b' }, "The token's jti is not as expected: /^[a-zA-Z0-9-_]*$/."],
    ['attributes', { attributes: { seat: 1 } }, "The token's attributes.seat is not as expected: string."],
  ])('is no good when its %s is wrong', async (_what, wrong, message) => {
    const key = await generateSigningKey();
    const { token } = await signParticipantToken(key, STAGE, OPTIONS);
    const changed = await new SignJWT({ ...decodeJwt(token), ...wrong })
      .setProtectedHeader({ alg: 'ES384', kid: key.arn })
      .sign(key.privateKey);
    await expect(verify(changed, key)).rejects.toMatchObject({ code: 'TOKEN_INVALID', message });
  });

  test('is no good with a signature of another algorithm', async () => {
    const key = await generateSigningKey();
    const { token } = await signParticipantToken(key, STAGE, OPTIONS);
    const unsigned = await new SignJWT(decodeJwt(token))
      .setProtectedHeader({ alg: 'HS384', kid: key.arn })
      .sign(new TextEncoder().encode(key.publicKeyMaterial));
    await expect(verify(unsigned, key)).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
  });

  test('never stands in the message of its refusal', async () => {
    const [key, other] = await Promise.all([generateSigningKey(), generateSigningKey()]);
    const { token } = await signParticipantToken(other, STAGE, OPTIONS);
    const error = await verify(token, key).catch((reason: unknown) => reason);
    expect(String(error)).not.toContain(token.slice(0, 20));
  });
});
