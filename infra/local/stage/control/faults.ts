import type { FaultSpec, FaultStep } from './fault-schema.ts';

/** A fault as it stands: what was asked, and how often it may still strike. */
export type Fault = FaultSpec & { readonly id: number };

/** Which peer connection a fault of the steps `offer` and `media` is about. */
export type Direction = 'publish' | 'subscribe';

/** Something a fault can strike while it is open: a peer connection or an events socket. */
export interface Target {
  readonly participantId: string;
  /** Absent for an events socket. */
  readonly direction?: Direction;
  /** Makes the fault so. Returns what makes the target well again, if anything does. */
  strike(fault: Fault): (() => void) | undefined;
}

/** The faults that the test control has asked for. */
export class Faults {
  #nextId = 1;
  #armed: Fault[] = [];
  readonly #targets: Record<'media' | 'events', Set<Target>> = { media: new Set(), events: new Set() };
  readonly #struck = new Set<{ target: Target; heal(): void }>();

  /** The faults that have not struck as often as they may. */
  get armed(): readonly Fault[] {
    return this.#armed;
  }

  /**
   * Arms a fault. One of an open thing (`media`, `events`) strikes those of its participant at once; for `*` it waits
   * for the next to come.
   */
  add(spec: FaultSpec): Fault {
    const fault = { ...spec, id: this.#nextId++ };
    this.#armed.push(fault);
    if (fault.step === 'media' || fault.step === 'events') {
      const open = [...this.#targets[fault.step]].filter(({ participantId }) => participantId === fault.participantId);
      for (const target of open.filter((one) => isAbout(fault, one)).slice(0, fault.count)) {
        this.#countDown(fault.id);
        this.#hit(fault, target);
      }
    }
    return fault;
  }

  /** Disarms the faults of a participant, or all, and heals what they did to things that are still open. */
  clear(participantId?: string): void {
    const concerns = (id: string) => participantId === undefined || id === participantId;
    this.#armed = this.#armed.filter((fault) => !concerns(fault.participantId));
    for (const one of [...this.#struck].filter(({ target }) => concerns(target.participantId))) {
      this.#struck.delete(one);
      one.heal();
    }
  }

  /** Takes the oldest fault that is about this step of this participant, and counts it down. */
  take(step: FaultStep, participantId: string, direction?: Direction): Fault | undefined {
    const fault = this.#armed.find((one) => one.step === step && isAbout(one, { participantId, direction }));
    if (fault !== undefined) this.#countDown(fault.id);
    return fault;
  }

  /** Lets faults strike something while it is open. Returns what is to be called once it is closed. */
  watch(step: 'media' | 'events', target: Target): () => void {
    this.#targets[step].add(target);
    return () => {
      this.#targets[step].delete(target);
      for (const one of this.#struck) if (one.target === target) this.#struck.delete(one);
    };
  }

  /** Lets the next fault that is about this target strike it, if there is one. */
  strike(step: 'media' | 'events', target: Target): void {
    const fault = this.take(step, target.participantId, target.direction);
    if (fault !== undefined) this.#hit(fault, target);
  }

  #hit(fault: Fault, target: Target): void {
    const heal = target.strike(fault);
    if (heal !== undefined) this.#struck.add({ target, heal });
  }

  #countDown(id: number): void {
    this.#armed = this.#armed.flatMap((one) => {
      if (one.id !== id) return [one];
      return one.count > 1 ? [{ ...one, count: one.count - 1 }] : [];
    });
  }
}

function isAbout(
  fault: Fault,
  { participantId, direction }: { participantId: string; direction?: Direction | undefined },
): boolean {
  return (
    (fault.participantId === participantId || fault.participantId === '*') &&
    (fault.direction === undefined || fault.direction === direction)
  );
}
