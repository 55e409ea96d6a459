import { assetNameProblem, assetUrl } from './names.ts';

const OUTSIDE = 'a file in the folder of assets, such as clip.mp4 or trailers/clip.mp4';

describe('assetNameProblem', () => {
  it.each([
    'clip.mp4',
    'pattern',
    'a b.mp4',
    'Früher & später? 100%.mp4',
    '日本/予告.mp4',
    'a/b/c.webm',
    'take 1:2.mp4',
  ])('finds nothing wrong with "%s"', (name) => {
    expect(assetNameProblem(name)).toBeNull();
  });

  it.each([
    ['', '1 to 1024 characters'],
    ['x'.repeat(1_025), '1 to 1024 characters'],
    ['a\u0000.mp4', 'no control characters'],
    ['a\n.mp4', 'no control characters'],
    ['a\ud800.mp4', 'no control characters'],
    ['..\\a.mp4', 'folders divided by /, not by \\'],
    ['/etc/passwd', OUTSIDE],
    ['../a.mp4', OUTSIDE],
    ['a/../../b.mp4', OUTSIDE],
    ['a/./b.mp4', OUTSIDE],
    ['a//b.mp4', OUTSIDE],
    ['a/', OUTSIDE],
    ['.env', OUTSIDE],
    ['a/.git/config', OUTSIDE],
    ['s3://bucket/a.mp4', OUTSIDE],
    ['https://example.com/a.mp4', OUTSIDE],
  ])('refuses %j', (name, expected) => {
    expect(assetNameProblem(name)).toBe(expected);
  });
});

describe('assetUrl', () => {
  it.each([
    ['clip.mp4', '/assets/clip.mp4'],
    ['a b/c&d?#%.mp4', '/assets/a%20b/c%26d%3F%23%25.mp4'],
    ['pattern', 'pattern:'],
  ])('of "%s" is %s', (name, url) => {
    expect(assetUrl(name)).toBe(url);
  });
});
