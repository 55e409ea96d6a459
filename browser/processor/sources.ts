import type { Asset } from '../../machines/protocol.ts';
import { openCapture } from './capture.ts';
import { openPattern } from './pattern.ts';
import type { OpenSource } from './source.ts';

/** The asset that stands for the test picture: it needs no file. */
export const PATTERN: Asset = { name: 'pattern', url: 'pattern:', loop: true };

/** Chooses the source by what the asset is. A new kind of source is added here. */
export function sourceFor({ url }: Asset): OpenSource {
  return url.startsWith('pattern:') ? openPattern : openCapture;
}
