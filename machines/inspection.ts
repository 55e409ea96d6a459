import type { Actor, AnyActorLogic, AnyEventObject, InspectionEvent, Snapshot } from 'xstate';

/** The `@statelyai/inspect` whose clients understand what is told here; every message names it. */
export const INSPECTION_VERSION = '0.7.2';

/** The longest text of one inspection, in UTF-16 units; see {@link stringifyInspection}. */
export const MAX_INSPECTION_LENGTH = 65_536;

/** The most actors that are known at once; the oldest child is forgotten first. */
const MAX_ACTORS = 100;

interface About {
  sessionId: string;
  rootId: string;
  /** Milliseconds since 1970. */
  createdAt: string;
  id: string;
  _version: string;
}

export interface ActorInspection extends About {
  type: '@xstate.actor';
  name: string;
  parentId: string | undefined;
  /** The config of the machine as JSON; of other actors just the name. */
  definition: string;
  snapshot: { status: Snapshot<unknown>['status'] };
}
export interface EventInspection extends About {
  type: '@xstate.event';
  sourceId: string | undefined;
  event: AnyEventObject;
}
export interface SnapshotInspection extends About {
  type: '@xstate.snapshot';
  event: AnyEventObject;
  snapshot: Snapshot<unknown>;
}

/** What happened to an actor, in the form of `@statelyai/inspect`: one WebSocket message each, as JSON. */
export type Inspection = ActorInspection | EventInspection | SnapshotInspection;

/**
 * Puts an inspection event of XState into the form of `@statelyai/inspect`; `null` for microsteps and actions, which it
 * does not tell either. The package's own `inspect` waits for an idle moment of the page, and would tell of a state
 * after what came of it. What is returned holds live values: secrets in them too, and methods.
 */
export function inspectionOf(inspected: InspectionEvent): Inspection | null {
  const actor = inspected.actorRef as Actor<AnyActorLogic>;
  const about = {
    sessionId: actor.sessionId,
    rootId: inspected.rootId,
    createdAt: String(Date.now()),
    id: '',
    _version: INSPECTION_VERSION,
  };
  switch (inspected.type) {
    case '@xstate.actor': {
      // Other actors have a function for a config, or none.
      const { config } = actor.logic as { config?: unknown };
      const machine: { id?: string } = typeof config === 'object' && config !== null ? config : { id: actor.id };
      const name = actor.id === actor.sessionId ? (machine.id ?? actor.id) : actor.id;
      return {
        ...about,
        type: inspected.type,
        name,
        parentId: actor._parent?.sessionId,
        definition: JSON.stringify(machine, namesOfFunctions),
        // An actor has no snapshot yet when it is told of; the first one follows.
        snapshot: { status: 'active' },
      };
    }
    case '@xstate.event': {
      const source = inspected.sourceRef as Actor<AnyActorLogic> | undefined;
      return { ...about, type: inspected.type, sourceId: source?.sessionId, event: inspected.event };
    }
    case '@xstate.snapshot':
      return { ...about, type: inspected.type, event: inspected.event, snapshot: inspected.snapshot };
    default:
      return null;
  }
}

/** The JSON of an inspection that holds no live values; beyond {@link MAX_INSPECTION_LENGTH} its {@link outlineOf}. */
export function stringifyInspection(inspection: Inspection): string {
  const whole = JSON.stringify(inspection);
  return whole.length <= MAX_INSPECTION_LENGTH ? whole : JSON.stringify(outlineOf(inspection));
}

/** An inspection without context, output and payload: the state and the type of the event remain. */
export function outlineOf(inspection: Inspection): Inspection {
  if (inspection.type === '@xstate.actor') {
    return { ...inspection, definition: JSON.stringify({ id: inspection.name }), snapshot: { status: 'active' } };
  }
  const event = { type: inspection.event.type };
  if (inspection.type === '@xstate.event') return { ...inspection, event };
  const { status, value } = inspection.snapshot as { status: string; value?: unknown };
  return { ...inspection, event, snapshot: { status, value } as unknown as Snapshot<unknown> };
}

/** The actors that there are, so that whoever comes late can be told of them. */
export class InspectedActors {
  readonly #actors = new Map<string, { actor: ActorInspection; latest: SnapshotInspection | null }>();

  /** Takes the next inspection. An actor that has ended is forgotten, unless it has no parent. */
  take(inspection: Inspection): void {
    const { sessionId } = inspection;
    if (inspection.type === '@xstate.actor') {
      this.#actors.set(sessionId, { actor: inspection, latest: null });
      if (this.#actors.size > MAX_ACTORS) this.#forgetOldestChild();
      return;
    }
    const known = this.#actors.get(sessionId);
    if (inspection.type === '@xstate.event' || known === undefined) return;
    const isOver = inspection.snapshot.status !== 'active' && known.actor.parentId !== undefined;
    if (isOver) this.#actors.delete(sessionId);
    else known.latest = inspection;
  }

  /** Each actor and its latest snapshot, in the order in which they came to be. */
  present(): Inspection[] {
    return [...this.#actors.values()].flatMap(({ actor, latest }) => (latest === null ? [actor] : [actor, latest]));
  }

  #forgetOldestChild(): void {
    const all = [...this.#actors.values()].map(({ actor }) => actor);
    const oldest = all.find(({ parentId }) => parentId !== undefined) ?? all[0];
    if (oldest !== undefined) this.#actors.delete(oldest.sessionId);
  }
}

function namesOfFunctions(_key: string, value: unknown): unknown {
  return typeof value === 'function' ? { type: value.name } : value;
}
