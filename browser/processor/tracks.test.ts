import { SourceError } from './errors.ts';
import { createTracks } from './tracks.ts';

describe('a browser that is not a Chromium', () => {
  it('makes no tracks and says which browser to use', () => {
    expect(createTracks).toThrow(
      new SourceError('SOURCE_UNSUPPORTED', 'This browser cannot make tracks from frames. Use Chromium or Chrome.'),
    );
  });
});
