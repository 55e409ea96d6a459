/** What a participant token says of itself, as far as it can be read. */
export interface TokenHints {
  stageArn: string | null;
}

/**
 * Reads hints out of a participant token. Tokens are opaque: one of an unknown shape gives no hints and is as good as
 * any other.
 */
export function tokenHints(participantToken: string): TokenHints {
  const claims = claimsOf(participantToken);
  const resource = claims?.['resource'];
  return { stageArn: typeof resource === 'string' && resource.startsWith('arn:') ? resource : null };
}

function claimsOf(token: string): Record<string, unknown> | null {
  const payload = token.split('.')[1];
  if (payload === undefined) return null;
  try {
    const claims: unknown = JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')));
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
