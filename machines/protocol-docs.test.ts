import { readFileSync } from 'node:fs';
import type { GenericSchema } from 'valibot';
import { FAILURES } from './failures.ts';
import {
  CloseCode,
  LIMITS,
  MESSAGE_SCHEMAS,
  PROTOCOL_ERROR_CODES,
  parsePageMessage,
  parseServerMessage,
  SESSION_STATES,
} from './protocol.ts';
import { LEGAL_PREDECESSORS } from './status.ts';

const DOCUMENT = readFileSync(new URL('../PROTOCOL.md', import.meta.url), 'utf8');
const STATUSES = Object.keys(LEGAL_PREDECESSORS).map((status) => status.toLowerCase());

/** What the document calls each set of values. */
const NAMES: [string, readonly string[]][] = [
  ['VpStatusOnWire', STATUSES],
  ['ProtocolErrorCode', PROTOCOL_ERROR_CODES],
  ['SessionState', SESSION_STATES],
  ['FailureCode', Object.keys(FAILURES)],
];

const SECTIONS = { server: 'Messages of the server', page: 'Messages of the page' } as const;

describe.each(['server', 'page'] as const)('PROTOCOL.md, messages of the %s', (side) => {
  const section = sectionOf(DOCUMENT, `## ${SECTIONS[side]}`, '\n## ');
  const headings = [...section.matchAll(/^### `(.+)`$/gm)].map(([, type]) => type);

  it('has a section for every message, and for no other', () => {
    expect([...headings].sort()).toEqual(Object.keys(MESSAGE_SCHEMAS[side]).sort());
  });

  it.each(Object.entries<GenericSchema>(MESSAGE_SCHEMAS[side]))(
    'shows the direction and all fields of %s',
    (type, schema) => {
      const text = sectionOf(section, `### \`${type}\``, '\n### ');
      const direction = side === 'server' ? 'server → page' : 'page → server';
      expect(/^Direction: \*\*(.+?)\*\*/m.exec(text)?.[1]).toBe(direction);
      const shape = /```ts\ninterface \w+ ([^`]+)```/.exec(text)?.[1] ?? '';
      expect(shape.replace(/ *\/\/.*$/gm, '').trim()).toBe(typeOf(schema));
    },
  );
});

describe('the tables of PROTOCOL.md', () => {
  it('hold every limit with its value', () => {
    expect(tableOf('limit').map(([name, value]) => [name, Number(value)])).toEqual(Object.entries(LIMITS));
  });

  it('hold every close code', () => {
    expect(tableOf('close code').map(([code, name]) => [name, Number(code)])).toEqual(Object.entries(CloseCode));
  });

  it('hold every error code', () => {
    expect(tableOf('error code').map(([code]) => code)).toEqual(PROTOCOL_ERROR_CODES);
  });

  it('hold every failure code with its origin, and whether it is retryable', () => {
    expect(tableOf('failure code')).toEqual(
      Object.entries(FAILURES).map(([code, { origin, retryable }]) => [code, origin, retryable ? 'yes' : 'no']),
    );
  });

  it('hold every state of a session', () => {
    expect(tableOf('session state').map(([state]) => state)).toEqual(SESSION_STATES);
  });

  it('hold every status', () => {
    expect(tableOf('status').map(([status]) => status)).toEqual(STATUSES);
  });
});

describe('the examples of PROTOCOL.md', () => {
  const examples = [...DOCUMENT.matchAll(/^ *(page → server|server → page) (\{.*\})$/gm)];

  it('are messages that the other side understands', () => {
    for (const [, direction, data] of examples) {
      const parse = direction === 'page → server' ? parsePageMessage : parseServerMessage;
      expect(() => parse(data ?? '')).not.toThrow();
    }
  });

  it('show every type of message', () => {
    const shown = new Set(examples.map(([, , data]) => JSON.parse(data ?? '').type));
    const types = [...Object.keys(MESSAGE_SCHEMAS.server), ...Object.keys(MESSAGE_SCHEMAS.page)];
    expect([...shown].sort()).toEqual(types.sort());
  });
});

it('PROTOCOL.md names no close code that the server does not send', () => {
  const codes = [...DOCUMENT.matchAll(/`([14]\d{3})`/g)].map(([, code]) => Number(code));
  expect(codes.filter((code) => !Object.values<number>(CloseCode).includes(code))).toEqual([]);
});

/** The text from a heading to the next one of its kind. */
function sectionOf(text: string, heading: string, next: string): string {
  const start = text.indexOf(`${heading}\n`);
  if (start < 0) throw new Error(`PROTOCOL.md has no "${heading}".`);
  const end = text.indexOf(next, start + heading.length);
  return text.slice(start, end < 0 ? undefined : end);
}

/** The rows of the table whose first column is called `name`, with the code marks taken off. */
function tableOf(name: string): string[][] {
  const table = new RegExp(`^\\| ${name} \\|.*\\n\\|[-| ]+\\|\\n((?:\\|.*\\n)+)`, 'm').exec(DOCUMENT)?.[1];
  if (table === undefined) throw new Error(`PROTOCOL.md has no table of "${name}".`);
  return table
    .trim()
    .split('\n')
    .map((row) =>
      row
        .slice(2, -2)
        .split(' | ')
        .map((cell) => cell.replace(/^`(.*)`$/, '$1')),
    );
}

/** A schema as the document writes it, in TypeScript. */
function typeOf(schema: unknown, indent = ''): string {
  const { type, literal, options, wrapped, entries } = schema as {
    type: string;
    literal?: string;
    options?: string[];
    wrapped?: unknown;
    entries?: Record<string, { type: string; wrapped?: unknown }>;
  };
  switch (type) {
    case 'literal':
      return `'${literal}'`;
    case 'picklist':
      return NAMES.find(([, values]) => `${values}` === `${options}`)?.[0] ?? `one of ${options}`;
    case 'nullable':
      return `${typeOf(wrapped, indent)} | null`;
    case 'object': {
      const fields = Object.entries(entries ?? {}).map(([name, field]) => {
        const isOptional = field.type === 'optional';
        const fieldType = typeOf(isOptional ? field.wrapped : field, `${indent}  `);
        return `${indent}  ${name}${isOptional ? '?' : ''}: ${fieldType};\n`;
      });
      return `{\n${fields.join('')}${indent}}`;
    }
    default:
      return type;
  }
}
