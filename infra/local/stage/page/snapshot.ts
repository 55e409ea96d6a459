import type { Faults } from '../control/faults.ts';
import type { EventsServer } from '../events/events-server.ts';
import type { Clock } from '../model/clock.ts';
import type { ParticipantState } from '../model/participant.ts';
import type { Registry } from '../model/registry.ts';
import type { Stage } from '../model/stage.ts';
import type { Publication } from '../sfu/sfu.ts';
import type { Media, PublishResource } from '../whip/media.ts';

export interface PublicationSnapshot {
  readonly state: 'connecting' | 'connected' | 'closed';
  /** Such as `H264`; `null` until video came. */
  readonly codec: string | null;
  readonly videoKbps: number;
  readonly audioKbps: number;
  readonly fps: number;
  readonly subscribers: number;
}

export interface ParticipantSnapshot extends ParticipantState {
  /** Whether its events socket is open. */
  readonly isConnected: boolean;
  readonly publication: PublicationSnapshot | null;
  /** User ids, or ids where there are none, of the participants it subscribes to. */
  readonly subscribedTo: readonly string[];
}

export interface StageSnapshot {
  readonly arn: string;
  readonly name: string;
  readonly sessionId: string | null;
  readonly sessionStartTimeMs: number | null;
  readonly participants: readonly ParticipantSnapshot[];
}

/** All that the page shows. */
export interface Snapshot {
  readonly takenAtMs: number;
  readonly stages: readonly StageSnapshot[];
  readonly armedFaults: number;
}

export interface SnapshotSources {
  readonly registry: Registry;
  readonly media: Media;
  readonly events: Pick<EventsServer, 'isConnected'>;
  readonly faults: Faults;
  readonly clock: Clock;
}

interface Rates {
  readonly videoKbps: number;
  readonly audioKbps: number;
  readonly fps: number;
}

/** Shortest time that rates are taken over: a change seen sooner is shown with the rates of before. */
const MIN_INTERVAL_MS = 900;

/** Makes snapshots; the rates in one are of the time since an earlier one. */
export function createSnapshots({ registry, media, events, faults, clock }: SnapshotSources): () => Snapshot {
  const last = new WeakMap<Publication, { atMs: number; stats: ReturnType<Publication['stats']>; rates: Rates }>();

  function ratesOf(publication: Publication): Rates {
    const stats = publication.stats();
    const atMs = clock.now();
    const before = last.get(publication);
    if (before !== undefined && atMs - before.atMs < MIN_INTERVAL_MS) return before.rates;
    const elapsedMs = before === undefined ? Number.POSITIVE_INFINITY : atMs - before.atMs;
    const perSecond = (now: number, then = 0) => Math.round(((now - then) * 1_000) / elapsedMs);
    const kbps = (now: number, then = 0) => Math.round(((now - then) * 8) / elapsedMs);
    const rates = {
      videoKbps: kbps(stats.video.bytes, before?.stats.video.bytes),
      audioKbps: kbps(stats.audio.bytes, before?.stats.audio.bytes),
      fps: perSecond(stats.video.frames, before?.stats.video.frames),
    };
    last.set(publication, { atMs, stats, rates });
    return rates;
  }

  function publicationOf(resource: PublishResource | undefined): PublicationSnapshot | null {
    if (resource === undefined) return null;
    const { session } = resource;
    return {
      state: session.state,
      codec: session.stats().video.codec?.replace(/^video\//, '') ?? null,
      ...ratesOf(session),
      subscribers: media.subscribers(resource).length,
    };
  }

  function stageOf(stage: Stage): StageSnapshot {
    const { participants, activeSession } = stage;
    const nameOf = (id: string) => participants.find((one) => one.id === id)?.userId || id;
    return {
      arn: stage.arn,
      name: stage.name,
      sessionId: activeSession?.id ?? null,
      sessionStartTimeMs: activeSession?.startTimeMs ?? null,
      participants: participants.map((one) => ({
        ...one,
        isConnected: events.isConnected(stage, one.id),
        publication: publicationOf(media.publication(stage, one.id)),
        subscribedTo: media
          .of(stage, one.id)
          .flatMap((it) => (it.kind === 'subscribe' ? [nameOf(it.publisherId)] : [])),
      })),
    };
  }

  return () => ({
    takenAtMs: clock.now(),
    stages: registry.stages.map(stageOf),
    armedFaults: faults.armed.length,
  });
}
