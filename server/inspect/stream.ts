import {
  InspectedActors,
  type Inspection,
  type SnapshotInspection,
  stringifyInspection,
} from '../../machines/inspection.ts';
import { redact } from '../redact.ts';
import { InOrder } from './in-order.ts';

/** One process whose actors are told of, such as a page. */
export interface InspectionSource {
  take(inspection: Inspection): void;
  /** The process is gone, and its actors with it. */
  end(): void;
}

/** The inspections of several sources as one stream in the order of time, without secrets. */
export class InspectionStream {
  readonly #sources = new Map<string, InspectedActors>();
  readonly #receivers = new Set<(text: string) => void>();
  readonly #inOrder = new InOrder((inspection) => this.#tell(inspection));

  /** @param name - becomes the first part of every id, so that those of different sources differ: `participant/x:0`. */
  source(name: string): InspectionSource {
    const actors = new InspectedActors();
    this.#sources.set(name, actors);
    return {
      take: (inspection) => this.#inOrder.take(withPrefix(redact(inspection) as Inspection, `${name}/`)),
      end: () => {
        this.#inOrder.flush();
        this.#sources.delete(name);
        for (const inspection of actors.present()) {
          if (inspection.type === '@xstate.snapshot') this.#send(stoppedNow(inspection));
        }
      },
    };
  }

  /** Tells the present states, then whatever happens, until the function that it returns is called. */
  subscribe(receive: (text: string) => void): () => void {
    for (const actors of this.#sources.values()) {
      for (const inspection of actors.present()) receive(stringifyInspection(inspection));
    }
    this.#receivers.add(receive);
    return () => this.#receivers.delete(receive);
  }

  /** Tells at once what is still held for the order. */
  flush(): void {
    this.#inOrder.flush();
  }

  #tell(inspection: Inspection): void {
    const [name = ''] = inspection.sessionId.split('/');
    this.#sources.get(name)?.take(inspection);
    this.#send(inspection);
  }

  #send(inspection: Inspection): void {
    const text = stringifyInspection(inspection);
    for (const receive of this.#receivers) receive(text);
  }
}

function withPrefix(inspection: Inspection, prefix: string): Inspection {
  const prefixed = (id: string | undefined) => (id === undefined ? undefined : `${prefix}${id}`);
  const { sessionId, rootId } = inspection;
  const ids = { sessionId: `${prefix}${sessionId}`, rootId: `${prefix}${rootId}` };
  switch (inspection.type) {
    case '@xstate.actor':
      return { ...inspection, ...ids, parentId: prefixed(inspection.parentId) };
    case '@xstate.event':
      return { ...inspection, ...ids, sourceId: prefixed(inspection.sourceId) };
    case '@xstate.snapshot':
      return { ...inspection, ...ids };
  }
}

function stoppedNow(inspection: SnapshotInspection): SnapshotInspection {
  const snapshot = { ...inspection.snapshot, status: 'stopped' } as SnapshotInspection['snapshot'];
  return { ...inspection, createdAt: String(Date.now()), event: { type: 'xstate.stop' }, snapshot };
}
