import { template, theOnly } from '../testing/synthesized.ts';

it('The bucket is private, encrypted, kept, versioned, and answers over TLS only', async () => {
  const stack = await template();
  const { Properties, DeletionPolicy } = theOnly(stack, 'AWS::S3::Bucket');
  expect(DeletionPolicy).toBe('Retain');
  expect(Properties.PublicAccessBlockConfiguration).toEqual({
    BlockPublicAcls: true,
    BlockPublicPolicy: true,
    IgnorePublicAcls: true,
    RestrictPublicBuckets: true,
  });
  expect(Properties.VersioningConfiguration).toEqual({ Status: 'Enabled' });
  expect(JSON.stringify(Properties.BucketEncryption)).toContain('AES256');
  expect(theOnly(stack, 'AWS::S3::BucketPolicy').Properties.PolicyDocument.Statement).toEqual([
    expect.objectContaining({
      Effect: 'Deny',
      Action: 's3:*',
      Principal: { AWS: '*' },
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    }),
  ]);
});
