import { describeNews } from './news.ts';
import type { StageNews } from './stage-port.ts';

const TOKEN = 'eyJhbGciOiJFUzM4NCIsInR5cCI6IkpXVCJ9.eyJyZXNvdXJjZSI6ImFybjphd3M6aXZzIn0.c2ln-bmF0_dXJl';
const error = (message: string): StageNews => ({ type: 'error', code: 4, category: 'JOIN_ERROR', message });

describe('news of the SDK in words', () => {
  it.each<[string, StageNews, string | null]>([
    ['an error', error('Operation failed'), 'JOIN_ERROR FAILED: Operation failed'],
    [
      'an error with a code of a newer SDK',
      { type: 'error', code: 99, category: 'PUBLISH_ERROR', message: 'New' },
      'PUBLISH_ERROR CODE_99: New',
    ],
    ['leaving by itself', { type: 'left', reason: 'user-initiated' }, null],
    ['being left', { type: 'left', reason: 'stage-deleted' }, 'The stage was left: stage-deleted.'],
    ['a failed publish', { type: 'publishState', state: 'errored' }, 'Publishing failed; it is being tried again.'],
    ['a publish that goes well', { type: 'publishState', state: 'published' }, null],
    ['a publish that begins', { type: 'publishState', state: 'attempting_publish' }, null],
    ['a publish that ended', { type: 'publishState', state: 'not_published' }, null],
  ])('tell of %s', (_, news, text) => {
    expect(describeNews(news)).toBe(text);
  });

  it.each([
    ['alone', TOKEN, '[token]'],
    ['in a sentence', `The token ${TOKEN} is invalid.`, 'The token [token] is invalid.'],
    [
      'in a URL',
      `wss://global.events.live-video.net/?token=${TOKEN}&topic=1`,
      'wss://global.events.live-video.net/?token=[token]&topic=1',
    ],
    ['twice', `${TOKEN} replaces ${TOKEN}`, '[token] replaces [token]'],
    ['that is encrypted, in five parts', `${TOKEN}.ZW5jcnlwdGVk.dGFndGFndGFn`, '[token]'],
  ])('hold no token that the SDK put into its text %s', (_, message, shown) => {
    expect(describeNews(error(message))).toBe(`JOIN_ERROR FAILED: ${shown}`);
  });
});
