import { fromPromise } from 'xstate';
import { failure } from '../../machines/failures.ts';
import { FailureError, type ParticipantInvite, type Preparation } from '../../machines/participant.ts';
import type { Asset } from '../../machines/protocol.ts';
import { within } from '../deadline.ts';
import type { DisconnectRequest, TokenRequest } from '../ivs/ivs.ts';

/** What the participant's actors need of the world. */
export interface ParticipantPorts {
  vpId: string;
  ivs: {
    prepareToken(
      request: TokenRequest,
      signal: AbortSignal,
    ): Promise<{ participantToken: string; participantId: string | null }>;
    disconnect(request: DisconnectRequest, signal: AbortSignal): Promise<unknown>;
  };
  assets: { resolve(name: string | null, signal: AbortSignal): Promise<Asset | null> };
  page: { reload(): Promise<void>; kill(): Promise<void> };
  onProblem(what: string, error: unknown): void;
}

/** Milliseconds that each means of leaving gets before the next one is used. */
export const LEAVE_STEPS_MS = { page: 1_000, disconnect: 3_000, reload: 4_000 } as const;

/** Token and asset, fetched in parallel; both are given up when the invite is. */
export const prepareActor = ({ vpId, ivs, assets, onProblem }: ParticipantPorts) =>
  fromPromise<Preparation, { invite: ParticipantInvite | null }>(async ({ input: { invite }, signal }) => {
    if (invite === null) throw new Error('There is no invite to prepare.');
    const { stageArn, userId, attributes, assetName, loop } = invite;
    try {
      const [token, asset] = await Promise.all([
        ivs.prepareToken({ vpId, stageArn, userId, attributes }, signal),
        assets.resolve(assetName, signal),
      ]);
      return { ...token, asset: asset && { ...asset, loop } };
    } catch (error) {
      if (signal.aborted) throw error;
      const isTold = error instanceof FailureError;
      if (!isTold || error.cause !== undefined) onProblem('prepare', error);
      if (isTold) throw error;
      const message = 'Token and asset could not be made ready; the log of the virtual participant says why.';
      throw new FailureError(failure('PREPARE_FAILED', message), { cause: error });
    }
  });

/**
 * Sees to it that the stage is left. The machine ends it, by its signal, as soon as the page itself tells that it left:
 * what resolves here is the word of IVS that the participant is gone, or the end of the browser that held it.
 */
export const enforceLeaveActor = ({ ivs, page, onProblem }: ParticipantPorts) =>
  fromPromise<void, { participantId: string | null; stageArn: string | null }>(
    async ({ input: { participantId, stageArn }, signal }) => {
      await pause(LEAVE_STEPS_MS.page, signal);
      if (participantId !== null && stageArn !== null) {
        try {
          const request = { stageArn, participantId, reason: 'The page did not leave in time.' };
          await within(LEAVE_STEPS_MS.disconnect, signal, (limit) => ivs.disconnect(request, limit));
          return;
        } catch (error) {
          if (signal.aborted) throw error;
          onProblem('disconnect', error);
        }
      }
      page.reload().catch((error: unknown) => onProblem('reload', error));
      await pause(LEAVE_STEPS_MS.reload, signal);
      await page.kill();
    },
  );

/** Rejects with the reason of the signal. */
function pause(timeMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, timeMs);
    const end = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}
