import { homeOf, parseStageArn } from './stage-arn.ts';

describe('parseStageArn', () => {
  it.each([
    ['arn:aws:ivs:eu-west-1:123456789012:stage/abcdEFGH1234', 'eu-west-1', 'arn:aws:ivs:eu-west-1:123456789012'],
    ['arn:aws-cn:ivs:cn-north-1:1:stage/a-b', 'cn-north-1', 'arn:aws-cn:ivs:cn-north-1:1'],
  ])('reads %s', (arn, region, home) => {
    expect(parseStageArn(arn)).toEqual({ region, stageId: arn.split('/')[1], home });
  });

  it.each([
    '',
    'stage',
    'arn:aws:ivs:eu-west-1:123456789012:channel/abc',
    'arn:aws:ivs:eu-west-1:123456789012:stage/',
    'arn:aws:ivs:eu-west-1:123456789012:stage/a/b',
    'arn:aws:ivs::123456789012:stage/a',
    ' arn:aws:ivs:eu-west-1:123456789012:stage/a',
    'arn:aws:ivs:eu-west-1.evil.example:123456789012:stage/a',
  ])('finds no stage in "%s"', (arn) => {
    expect(parseStageArn(arn)).toBeNull();
  });
});

describe('homeOf', () => {
  it('tells keys and stages of one account and region from others', () => {
    const stage = 'arn:aws:ivs:eu-west-1:1:stage/a';
    expect(homeOf('arn:aws:ivs:eu-west-1:1:public-key/b')).toBe(homeOf(stage));
    expect(homeOf('arn:aws:ivs:eu-west-2:1:public-key/b')).not.toBe(homeOf(stage));
    expect(homeOf('arn:aws:ivs:eu-west-1:2:public-key/b')).not.toBe(homeOf(stage));
  });
});
