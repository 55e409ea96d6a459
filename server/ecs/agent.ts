import * as v from 'valibot';

/** Longer than the agent itself gives ECS (4 s), so that its answer is heard. */
export const AGENT_TIMEOUT_MS = 5_000;

/** What became of a request for protection. */
export type ProtectionAnswer =
  | { kind: 'done' }
  /** ECS will not: the task is stopping already, say. `reason` is a word of ECS, such as DEPLOYMENT_BLOCKED. */
  | { kind: 'refused'; reason: string }
  /** It could not be asked: the role may not, the agent is away. `reason` is ECS's or what went wrong on the way. */
  | { kind: 'failed'; reason: string };

/** Of the three answers, one is there ("Amazon ECS task scale-in protection endpoint" in its Developer Guide). */
const Answer = v.object({
  protection: v.optional(v.object({ ProtectionEnabled: v.boolean() })),
  failure: v.optional(v.object({ Reason: v.string() })),
  error: v.optional(v.object({ Code: v.string(), Message: v.optional(v.string()) })),
});

const Task = v.object({ TaskARN: v.pipe(v.string(), v.regex(/^arn:[^/]+:task\/(?:[^/]+\/)?[A-Za-z0-9-]{1,64}$/)) });

/**
 * Asks the ECS agent to protect this task from scale-in and deployments for `minutes`, or not to protect it any more.
 * Never throws.
 *
 * @param agentUrl - what ECS gives as `ECS_AGENT_URI`
 * @param minutes - from 1 to 2,880, counted from now; null: no protection any more
 */
export async function protectTask(
  agentUrl: string,
  minutes: number | null,
  timeoutMs = AGENT_TIMEOUT_MS,
): Promise<ProtectionAnswer> {
  const isWanted = minutes !== null;
  try {
    const response = await fetch(`${agentUrl}/task-protection/v1/state`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ProtectionEnabled: isWanted, ...(isWanted && { ExpiresInMinutes: minutes }) }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    const { protection, failure, error } = v.parse(Answer, await response.json());
    if (failure) return { kind: 'refused', reason: failure.Reason };
    if (error) return { kind: 'failed', reason: `${error.Code}: ${error.Message ?? 'no message'}` };
    if (protection?.ProtectionEnabled === isWanted) return { kind: 'done' };
    return { kind: 'failed', reason: `an answer with status ${response.status} that says nothing` };
  } catch (error) {
    return { kind: 'failed', reason: wordsOf(error) };
  }
}

/**
 * The id of the ECS task that this process runs in, the last part of its ARN.
 *
 * @param metadataUrl - what ECS gives as `ECS_CONTAINER_METADATA_URI_V4` ("Amazon ECS task metadata endpoint version 4")
 * @returns null if it is not told in time
 */
export async function readTaskId(metadataUrl: string, timeoutMs: number): Promise<string | null> {
  try {
    const response = await fetch(`${metadataUrl}/task`, { signal: AbortSignal.timeout(timeoutMs) });
    const { TaskARN } = v.parse(Task, await response.json());
    return TaskARN.split('/').at(-1) ?? null;
  } catch {
    return null;
  }
}

/** `fetch` hides what went wrong behind "fetch failed". */
function wordsOf(error: unknown): string {
  const { cause, message } = error as { cause?: { message?: string }; message?: string };
  return cause?.message ?? message ?? String(error);
}
