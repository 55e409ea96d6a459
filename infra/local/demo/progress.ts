import type { LogLine } from './virtual-participant.ts';

type Machine = 'participant' | 'session';
type MachineListener = (machine: Machine, state: string) => void;

/** What the demo reads off the log of the virtual participant. */
export class Progress {
  /** What its page counted last. */
  counted = { epoch: 0, loops: 0, rejoins: 0 };
  lastProblem: string | null = null;
  readonly #states = new Map<Machine, string>();
  readonly #listeners = new Set<MachineListener>();

  note(line: LogLine): void {
    if (line.level === 'error' || line.level === 'fatal') this.lastProblem = line.msg ?? null;
    if (line.msg === 'page stats') {
      const { epoch, loops, rejoins, state } = line;
      this.counted = { epoch: Number(epoch), loops: Number(loops), rejoins: Number(rejoins) };
      this.#noteState('session', String(state));
    }
    if (line.msg === 'machine state') this.#noteState('participant', String(line['state']));
  }

  /** Calls back with where each machine stands, now and whenever it moves. */
  onMachine(listener: MachineListener): () => void {
    for (const [machine, state] of this.#states) listener(machine, state);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #noteState(machine: Machine, state: string): void {
    if (this.#states.get(machine) === state) return;
    this.#states.set(machine, state);
    for (const listener of this.#listeners) listener(machine, state);
  }
}
