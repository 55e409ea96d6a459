import { assetNameProblem, assetUrl, splitS3Name } from './names.ts';

const OUTSIDE = 'a file in the folder of assets, such as clip.mp4 or trailers/clip.mp4, or s3://bucket/key';
const NO_BUCKET = 's3://bucket/key with a bucket of 3 to 63 lower-case letters, digits, dots and hyphens';
const NO_KEY = 'a key of 1 to 1024 bytes after the bucket';

describe('assetNameProblem', () => {
  it.each([
    'clip.mp4',
    'pattern',
    'a b.mp4',
    'Früher & später? 100%.mp4',
    '日本/予告.mp4',
    'a/b/c.webm',
    'take 1:2.mp4',
    's3://bucket/a.mp4',
    's3://my.bucket-1/trailers//.hidden/a b?#%+&ü.mp4',
    `s3://${'b'.repeat(63)}/${'ü'.repeat(478)}`,
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
    ['S3://bucket/a.mp4', OUTSIDE],
    ['s3://', NO_BUCKET],
    ['s3:///a.mp4', NO_BUCKET],
    ['s3://ab/a.mp4', NO_BUCKET],
    [`s3://${'b'.repeat(64)}/a.mp4`, NO_BUCKET],
    ['s3://Bucket/a.mp4', NO_BUCKET],
    ['s3://my_bucket/a.mp4', NO_BUCKET],
    ['s3://-bucket/a.mp4', NO_BUCKET],
    ['s3://bucket-/a.mp4', NO_BUCKET],
    ['s3://buck..et/a.mp4', NO_BUCKET],
    ['s3://10.0.0.1/a.mp4', NO_BUCKET],
    ['s3://user:password@bucket/a.mp4', NO_BUCKET],
    ['s3://bucket', NO_KEY],
    ['s3://bucket/', NO_KEY],
    [`s3://bucket/${'ü'.repeat(513)}`, NO_KEY],
    ['s3://bucket/../other/a.mp4', 'a key without the parts . and ..'],
    ['s3://bucket/a/./b.mp4', 'a key without the parts . and ..'],
    ['s3://bucket/a\n.mp4', 'no control characters'],
    [`s3://bucket/${'k'.repeat(1_013)}`, '1 to 1024 characters'],
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

describe('splitS3Name', () => {
  it.each([
    ['s3://bucket/a.mp4', { bucket: 'bucket', key: 'a.mp4' }],
    ['s3://bucket/a//b%20c?d.mp4', { bucket: 'bucket', key: 'a//b%20c?d.mp4' }],
  ])('of "%s" takes the key as it stands', (name, parts) => {
    expect(splitS3Name(name)).toEqual(parts);
  });
});
