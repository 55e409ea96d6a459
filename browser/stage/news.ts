import { errorCodeName } from './policy.ts';
import type { StageNews } from './stage-port.ts';

/** Says in words what the SDK told, for a log or a person; `null` for what is no news to either. */
export function describeNews(news: StageNews): string | null {
  switch (news.type) {
    case 'error':
      return `${news.category} ${errorCodeName(news.code)}: ${withoutTokens(news.message)}`;
    case 'left':
      return news.reason === 'user-initiated' ? null : `The stage was left: ${news.reason}.`;
    case 'publishState':
      return news.state === 'errored' ? 'Publishing failed; it is being tried again.' : null;
  }
}

/** The SDK's own texts are not ours to trust: what looks like a JWT is dropped from them. */
function withoutTokens(text: string): string {
  return text.replace(/[\w-]{8,}(?:\.[\w-]{8,}){2,}/g, '[token]');
}
