import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';

const TEST_CARD = new URL('../../../assets/counter.mp4', import.meta.url);

/** The test card in the asset bucket, under a name that nobody else has. */
export interface UploadedAsset {
  /** `s3://bucket/key`. */
  readonly name: string;
  delete(): Promise<void>;
}

export async function uploadTestCard(region: string, Bucket: string): Promise<UploadedAsset> {
  const client = new S3Client({ region });
  const Key = `smoke-${randomUUID()}/counter.mp4`;
  const Body = await readFile(TEST_CARD);
  await client.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: 'video/mp4' }));
  return {
    name: `s3://${Bucket}/${Key}`,
    async delete() {
      await client.send(new DeleteObjectCommand({ Bucket, Key }));
      client.destroy();
    },
  };
}
