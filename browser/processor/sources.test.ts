import { openCapture } from './capture.ts';
import { openPattern } from './pattern.ts';
import { PATTERN, sourceFor } from './sources.ts';

describe('the source for an asset', () => {
  it('is the pattern for the one that needs no file', () => {
    expect(sourceFor(PATTERN)).toBe(openPattern);
  });

  it.each(['/assets/my.mp4', '/assets/pattern', 'https://example.com/pattern:'])('at %s is the capture', (url) => {
    expect(sourceFor({ name: 'pattern', url, loop: true })).toBe(openCapture);
  });
});
