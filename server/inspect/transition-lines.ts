import type { StateValue } from 'xstate';
import type { Inspection } from '../../machines/inspection.ts';

/** Writes a line for each transition of each state machine of an inspection stream; other actors are left out. */
export class TransitionLines {
  /** By `sessionId`: the innermost states, as paths, or how the actor ended. */
  readonly #states = new Map<string, string[]>();

  /** Time, machine, event, and what was left → what was entered; `null` if no state changed. */
  lineOf(inspection: Inspection): string | null {
    if (inspection.type !== '@xstate.snapshot') return null;
    const { sessionId, event, createdAt } = inspection;
    const { status, value } = inspection.snapshot as { status: string; value?: StateValue };
    if (value === undefined) return null;

    const from = this.#states.get(sessionId) ?? [];
    const to = status === 'stopped' || status === 'error' ? [`(${status})`] : pathsOf(value);
    this.#states.set(sessionId, to);
    const left = from.filter((path) => !to.includes(path));
    const entered = to.filter((path) => !from.includes(path));
    if (left.length === 0 && entered.length === 0) return null;

    const [machine = ''] = sessionId.split('/');
    const columns = [
      timeOf(createdAt),
      machine.padEnd(11),
      event.type.padEnd(31),
      left.join(', '),
      '→',
      entered.join(', '),
    ];
    return columns
      .filter((column) => column !== '')
      .join('  ')
      .replaceAll(/\p{Cc}/gu, '?');
  }
}

function pathsOf(value: StateValue): string[] {
  if (typeof value === 'string') return [value];
  return Object.entries(value).flatMap(([region, inner]) =>
    inner === undefined ? [] : pathsOf(inner).map((path) => `${region}.${path}`),
  );
}

/** `14:03:59.120`, in the time zone of who looks. */
function timeOf(createdAt: string): string {
  const date = new Date(Number(createdAt));
  return `${date.toLocaleTimeString('en-GB')}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}
