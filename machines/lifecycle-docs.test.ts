import { readFileSync } from 'node:fs';
import type { AnyStateMachine, AnyStateNode } from 'xstate';
import { PARTICIPANT_DELAYS, participantMachine } from './participant.ts';
import { SESSION_DELAYS, sessionMachine } from './session.ts';
import { nodesOf } from './testing/paths.ts';

const DOCUMENT = readFileSync(new URL('../docs/lifecycle.md', import.meta.url), 'utf8');
const [participantDiagram = '', sessionDiagram = ''] = [...DOCUMENT.matchAll(/```mermaid\n([^`]+)```/g)].map(
  ([, diagram]) => diagram,
);

const DIAGRAMS: [string, AnyStateMachine, string][] = [
  ['participant', participantMachine, participantDiagram],
  ['session', sessionMachine, sessionDiagram],
];

describe.each(DIAGRAMS)('the diagram of the %s machine in lifecycle.md', (_, machine, diagram) => {
  const nodes = nodesOf(machine).slice(1);
  const byName = new Map(nodes.map((node) => [node.key, node]));
  const arrows = [...diagram.matchAll(/^ *(\w+) --> (\w+)/gm)].map(([, from = '', to = '']) => ({ from, to }));
  const transitions = nodes.flatMap((node) =>
    [...node.transitions.values(), node.always ?? []]
      .flat()
      .flatMap(({ target }) => target ?? [])
      .filter((target) => target !== node)
      .map((target) => ({ from: node.key, to: target.key })),
  );
  /** Whether both are the same, but for one of them standing for states around or within the other. */
  const isSame = (one: (typeof arrows)[number], other: (typeof arrows)[number]) =>
    one.to === other.to && isWithin(byName.get(one.from), byName.get(other.from));

  it('shows every state, and no other', () => {
    const composites = [...diagram.matchAll(/^ *state (\w+) \{/gm)].map(([, name]) => name);
    const shown = new Set([...composites, ...arrows.flatMap(({ from, to }) => [from, to])]);
    expect([...shown].sort()).toEqual([...byName.keys()].sort());
  });

  it('begins where the machine begins', () => {
    const begins = [...diagram.matchAll(/^ *\[\*\] --> (\w+)/gm)].map(([, name]) => name);
    const initials = nodesOf(machine).flatMap(({ type, initial }) =>
      type === 'compound' ? (initial.target ?? []).map(({ key }) => key) : [],
    );
    expect(begins.sort()).toEqual(initials.sort());
  });

  it('draws every transition, and no other', () => {
    const text = ({ from, to }: (typeof arrows)[number]) => `${from} --> ${to}`;
    expect(arrows.filter((arrow) => !transitions.some((other) => isSame(arrow, other))).map(text)).toEqual([]);
    expect(transitions.filter((one) => !arrows.some((arrow) => isSame(one, arrow))).map(text)).toEqual([]);
  });
});

it('lifecycle.md tells every delay with its length', () => {
  const rows = [...DOCUMENT.matchAll(/^\|(.*Timeout.* s) \|$/gm)].map(([, row = '']) => row.split('|'));
  const told = (column: number) =>
    rows.flatMap((row) => {
      const [name = '', limit = ''] = row.slice(column, column + 2).map((cell) => cell.trim());
      return name === '' ? [] : [[name.slice(1, -1), Number.parseFloat(limit) * 1_000]];
    });
  expect(told(0)).toEqual(Object.entries(SESSION_DELAYS));
  expect(told(2)).toEqual(Object.entries(PARTICIPANT_DELAYS));
});

function isWithin(one: AnyStateNode | undefined, other: AnyStateNode | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  const [inner, outer] = one.path.length > other.path.length ? [one, other] : [other, one];
  return inner.path.slice(0, outer.path.length).join() === outer.path.join();
}
