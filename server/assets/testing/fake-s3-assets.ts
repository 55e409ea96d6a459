import type { S3Assets } from '../s3/s3-assets.ts';

/** Assets from S3 as if each were in the folder already, under the file name that a test says. */
export function fakeS3Assets(dir: string, files: Readonly<Record<string, string>> = {}): S3Assets {
  const fileOf = (name: string) => {
    const file = files[name];
    if (file === undefined) throw new Error(`No test expects ${name}.`);
    return file;
  };
  return {
    dir,
    fetch: async (name) => fileOf(name),
    fetchAhead: async (name) => void fileOf(name),
    close: () => {},
  };
}
