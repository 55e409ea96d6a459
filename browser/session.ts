import { createActor, type InspectionEvent } from 'xstate';
import { type SessionActor, sessionMachine } from '../machines/session.ts';
import type { MediaFigures } from '../machines/session-link.ts';
import type { Source } from './processor/source.ts';
import { createSourceActor, type SourceActorOptions } from './processor/source-actor.ts';
import { MediaTotals } from './stage/media-totals.ts';
import { createStageActor } from './stage/stage-actor.ts';
import type { MediaStats, MediaTracks, StageNews, StagePort } from './stage/stage-port.ts';

export interface SessionOptions extends Pick<SourceActorOptions, 'sourceFor' | 'createTracks'> {
  stage: StagePort;
  /** Takes what the SDK tells of the stage, for the log. */
  onNews?: (news: StageNews) => void;
  /** Takes the inspection events of the session and its actors. */
  inspect?: (event: InspectionEvent) => void;
}

/** A session machine with its real actors, and what can be seen of it from outside. */
export interface Session {
  actor: SessionActor;
  /** The tracks that the stage gets; `null` between sessions. */
  tracks(): MediaTracks | null;
  figures(): MediaFigures;
}

/** Binds the session machine to a stage and its sources, and starts it. */
export function startSession(options: SessionOptions): Session {
  let tracks: MediaTracks | null = null;
  let source: Source | null = null;
  let stats: MediaStats | null = null;
  let totals = new MediaTotals();
  let rejoins = 0;

  const machine = sessionMachine.provide({
    actors: {
      source: createSourceActor({
        ...options,
        onTracks: (made) => {
          tracks = made?.tracks ?? null;
        },
        onSource: (opened) => {
          source = opened;
        },
      }),
      stage: createStageActor({
        port: options.stage,
        tracks: () => {
          if (tracks === null) throw new Error('There are no tracks to publish: the session has no source.');
          return tracks;
        },
        onStats: (latest) => {
          stats = latest;
          if (latest !== null) totals.take(latest);
        },
        ...(options.onNews && { onNews: options.onNews }),
      }),
    },
  });
  const actor = createActor(machine, options.inspect ? { inspect: options.inspect } : {});
  let before = actor.getSnapshot();
  actor.subscribe((snapshot) => {
    const isNew = snapshot.context.invite !== before.context.invite;
    if (isNew) rejoins = 0;
    if (isNew || snapshot.matches('idle') || snapshot.matches('failed')) {
      stats = null;
      totals = new MediaTotals();
    }
    const isReconnecting = snapshot.matches({ session: 'reconnecting' });
    if (isReconnecting && !before.matches({ session: 'reconnecting' })) rejoins += 1;
    before = snapshot;
  });
  actor.start();

  return {
    actor,
    tracks: () => tracks,
    figures: () => ({
      frames: totals.frames,
      bytes: totals.bytes,
      fps: stats?.framesPerSecond ?? 0,
      mediaTimeMs: source?.mediaTimeMs() ?? 0,
      loops: source?.loops() ?? 0,
      rejoins,
    }),
  };
}
