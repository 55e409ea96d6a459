import { tokenHints } from './token-hints.ts';

const STAGE_ARN = 'arn:aws:ivs:eu-central-1:123456789012:stage/Ab3dEf6hIj9k';
const none = { stageArn: null };

const base64url = (text: string) => btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const tokenOf = (claims: unknown) => `header.${base64url(JSON.stringify(claims))}.signature`;

describe('the hints of a participant token', () => {
  it('tell the stage ARN of its claim "resource"', () => {
    expect(tokenHints(tokenOf({ resource: STAGE_ARN, jti: 'participant-1' }))).toEqual({ stageArn: STAGE_ARN });
  });

  it('are read from base64url with its own two letters, with and without padding', () => {
    const claims = { user_id: '>>>???ÿÿ', resource: STAGE_ARN };
    const payload = btoa(JSON.stringify(claims));
    expect([
      /[+/]/.test(payload),
      tokenHints(tokenOf(claims)),
      tokenHints(`header.${payload.replaceAll('+', '-').replaceAll('/', '_')}.signature`),
    ]).toEqual([true, { stageArn: STAGE_ARN }, { stageArn: STAGE_ARN }]);
  });

  it.each([
    ['an empty text', ''],
    ['no dots', 'opaque'],
    ['an empty payload', 'header..signature'],
    ['a payload that is no base64', 'header.%%%.signature'],
    ['a payload that is no JSON', `header.${base64url('{"resource":')}.signature`],
    ['claims that are null', tokenOf(null)],
    ['claims that are a number', tokenOf(1)],
    ['claims that are a list', tokenOf([STAGE_ARN])],
    ['no claim "resource"', tokenOf({ topic: 'stage' })],
    ['a resource that is no text', tokenOf({ resource: { arn: STAGE_ARN } })],
    ['a resource that is no ARN', tokenOf({ resource: 'https://example.com/stage' })],
  ])('are none for a token with %s', (_, token) => {
    expect(tokenHints(token)).toEqual(none);
  });
});
