import { BlockPublicAccess, Bucket, BucketEncryption, type IBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import type { Settings } from '../settings.ts';

/** Where the assets lie that invites name: the bucket that the operator has, or one of the stack. */
export class AssetBucket extends Construct {
  readonly bucket: Pick<IBucket, 'bucketArn' | 'bucketName'>;

  constructor(scope: Construct, { assetBucket, keepData }: Pick<Settings, 'assetBucket' | 'keepData'>) {
    super(scope, 'Assets');
    this.bucket = assetBucket === null ? this.#made(keepData) : Bucket.fromBucketName(this, 'Bucket', assetBucket);
  }

  #made(keepData: boolean): Bucket {
    const bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      // An asset that was overwritten by mistake comes back within 30 days.
      versioned: true,
      lifecycleRules: [
        { noncurrentVersionExpiration: Duration.days(30), abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
      removalPolicy: keepData ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'Only the role of the tasks reads it, and the server logs each asset that it fetches.',
    });
    return bucket;
  }
}
