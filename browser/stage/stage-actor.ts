import { type CallbackActorLogic, fromCallback } from 'xstate';
import { failure } from '../../machines/failures.ts';
import type { StageCommand, StageEvent, StageInput } from '../../machines/session.ts';
import { MediaWatch } from './media-watch.ts';
import { stageEventOf } from './policy.ts';
import type { MediaStats, MediaTracks, StageConnection, StageNews, StagePort } from './stage-port.ts';
import { tokenHints } from './token-hints.ts';

export interface StageActorOptions {
  port: StagePort;
  /** The tracks of the session's source; asked for when there is something to publish. */
  tracks: () => MediaTracks;
  /** Takes the figures of each look at the media. */
  onStats?: (stats: MediaStats | null) => void;
  /** Takes what the SDK told, before it is judged. */
  onNews?: (news: StageNews) => void;
}

/** After a rejected join, how long the SDK has to tell why. */
const JOIN_NEWS_MS = 100;

/** How long one look may take; after it the look has seen nothing. */
const LOOK_LIMIT_MS = 5_000;

const NOT_ALLOWED = failure(
  'TOKEN_NOT_ALLOWED',
  'The participant token does not allow publishing. Make one with the PUBLISH capability.',
);

/**
 * The session machine's `stage` actor: one connection to a stage. It joins as soon as it is started, publishes when it is
 * told to, watches the media it sends, and leaves at the latest when it is stopped.
 */
export function createStageActor(options: StageActorOptions): CallbackActorLogic<StageCommand, StageInput> {
  const watch = new MediaWatch();

  return fromCallback(({ input, sendBack, receive }) => {
    let hasTold = false;
    let hasLeft = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    /** Which publish is being watched; a look that began before the present one says nothing any more. */
    let watched = 0;

    const tell = (event: StageEvent) => {
      hasTold = true;
      sendBack(event);
    };
    const token = input.invite?.participantToken ?? '';
    const connection = options.port.connect(token, (news) => {
      options.onNews?.(news);
      const event = stageEventOf(news);
      if (event !== null && !hasLeft) tell(event);
    });
    const leave = () => {
      if (hasLeft) return;
      hasLeft = true;
      watched += 1;
      clearTimeout(timer);
      connection.leave();
    };

    const look = async (publish: number, wasFlowing: boolean) => {
      const stats = await statsOf(connection);
      if (publish !== watched) return;
      options.onStats?.(stats);
      const verdict = watch.look(stats, performance.now());
      if (verdict.type === 'stopped') {
        tell({ type: 'media.stopped', reason: verdict.reason });
        return;
      }
      const isFlowing = verdict.type === 'flowing';
      timer = setTimeout(() => look(publish, isFlowing), watch.nextLookMs());
      if (isFlowing && !wasFlowing) tell({ type: 'media.flowing' });
    };
    const publish = () => {
      clearTimeout(timer);
      watched += 1;
      watch.restart(performance.now());
      connection.publish(options.tracks());
      void look(watched, false);
    };

    connection.join().then(
      ({ participantId, mayPublish }) => {
        if (hasLeft) return;
        const stageArn = input.invite?.stageArn ?? tokenHints(token).stageArn ?? 'unknown';
        tell(
          mayPublish
            ? { type: 'stage.joined', participantId, stageArn }
            : { type: 'stage.failed', failure: NOT_ALLOWED },
        );
      },
      () => {
        // The SDK tells why by its `error` and `left` events, some of them after `join` has rejected.
        timer = setTimeout(() => {
          if (!hasTold && !hasLeft) tell({ type: 'stage.lost', reason: 'JOIN_REJECTED' });
        }, JOIN_NEWS_MS);
      },
    );

    receive((command) => {
      if (command.type === 'leave') {
        leave();
        sendBack({ type: 'stage.left' });
        return;
      }
      try {
        publish();
      } catch (error) {
        // XState stops an actor that throws without its clean-up: the page would stay on the stage.
        leave();
        throw error;
      }
    });

    return leave;
  });
}

/** `null` also when they cannot be had in time. */
function statsOf(connection: StageConnection): Promise<MediaStats | null> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, LOOK_LIMIT_MS, null);
    connection
      .stats()
      .then(resolve, () => resolve(null))
      .finally(() => clearTimeout(timer));
  });
}
