import { DEFAULT_API_KEY, DEFAULT_CREDENTIALS, startAppSync } from '../server.ts';
import { createTestClient, type TestClient, type Vp } from './client.ts';

export const STAGE_ARN = 'arn:aws:ivs:eu-west-1:123456789012:stage/AbCdEfGh1234';
export const OWNER = 'owner-of-the-test';

/**
 * The local AppSync with a clock that stands still, a caller by API key and a container by IAM.
 *
 * @param dynamoDbUrl - where its tables are; default: in a database of its own
 */
export async function startControlPlane(dynamoDbUrl?: string) {
  const clock = { nowMs: Date.UTC(2026, 10, 23, 12) };
  const api = await startAppSync({ port: 0, now: () => clock.nowMs, ...(dynamoDbUrl && { dynamoDbUrl }) });
  const caller = createTestClient(api.url, { apiKey: DEFAULT_API_KEY });
  const container = createTestClient(api.url, { credentials: DEFAULT_CREDENTIALS });
  return {
    api,
    clock,
    caller,
    container,
    async close(): Promise<void> {
      caller.stop();
      container.stop();
      await api.close();
    },
  };
}

/** Registers `id`, and reports it AVAILABLE. */
export async function makeAvailable(container: TestClient, id: string): Promise<Vp> {
  const { epoch } = await container.register({ id, owner: OWNER });
  return container.report({ id, owner: OWNER, epoch, status: 'AVAILABLE' });
}

/** A failure as a container reports it. */
export const FAILURE = {
  code: 'JOIN_FAILED',
  origin: 'network',
  retryable: true,
  message: 'The page did not join the stage in time.',
};
