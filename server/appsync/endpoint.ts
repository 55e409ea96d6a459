import { StartError } from '../errors.ts';

/** Where the GraphQL API is, and as which region its requests are signed. */
export interface Endpoint {
  url: string;
  /** `null`: unknown, and not needed with an API key. */
  region: string | null;
}

const EXAMPLE = 'https://<id>.appsync-api.<region>.amazonaws.com/graphql';

/**
 * Reads `GRAPHQL_API_URL`: AWS's own shape, of which the real-time host is known, or any other URL, whose real-time
 * endpoint is its path + `/realtime` (a custom domain, the local API).
 *
 * @param region - `AWS_REGION`; the region in AWS's own URL goes before it
 * @throws {StartError} that names the setting and what was expected
 */
export function parseEndpoint(url: string, region: string | null): Endpoint {
  const parsed = URL.canParse(url) ? new URL(url) : null;
  const isPlain = parsed !== null && ['https:', 'http:'].includes(parsed.protocol) && !/[?#]|\/$/.test(url);
  if (!isPlain || parsed.username !== '' || parsed.password !== '') {
    throw new StartError(
      `GRAPHQL_API_URL: expected a URL such as ${EXAMPLE}, with no query, no user and no slash at its end.`,
    );
  }
  const aws = /^[^.]+\.appsync-api\.([a-z0-9-]+)\.amazonaws\.com$/.exec(parsed.hostname);
  if (aws !== null && (parsed.protocol !== 'https:' || parsed.pathname !== '/graphql' || parsed.port !== '')) {
    throw new StartError(`GRAPHQL_API_URL: expected ${EXAMPLE} of an API at AWS, but its path or protocol is another.`);
  }
  return { url, region: aws?.[1] ?? region };
}
