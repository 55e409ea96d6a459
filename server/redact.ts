/** What stands in place of a secret. */
export const REDACTED = '[redacted]';

/** Deeper parts of a value are left out: nothing that is logged needs them. */
const MAX_DEPTH = 12;

/**
 * Secrets that can be told by their shape: a JSON Web Token, whole or cut off (`eyJ` is how base64 writes `{"`, so the
 * `header` of AppSync's real-time API is among them), a token of another make in the same three parts, a private key in
 * PEM (its lines may be divided by `\n`, as in JSON), an AppSync API key.
 */
const SHAPES = [
  /eyJ[\w+/=%-]{10,}(?:\.[\w%-]*)*/g,
  /(?<![\w-])[\w-]{10,}\.[\w-]{20,}\.[\w-]{40,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:[A-Za-z0-9+/=\s]|\\+[nr])*(?:-----END [A-Z ]*PRIVATE KEY-----)?/g,
  /da2-[a-z0-9]{10,}/g,
];

/** Secrets that can be told by what stands before them in a text: a query, a header, JSON, an assignment. */
const NAMED =
  /((?<!client|next)token|authorization|api[-_]?key|secret(?:[-_]?access[-_]?key)?|password|private[-_]?key|signature|credential|cookie)(?:(["'\\]*\s*=\s*["'\\]*)|(\\*["']\s*:\s*\\*["'])|(\s*:\s*(?=Bearer |Basic |AWS4-)))(?:(?:Bearer|Basic)\s+)?[^\s"'\\&;]+/gi;
const BEARER = /\b(Bearer|Basic)\s+[\w+/=.~-]{8,}/g;
const USER_OF_URL = /(?<=:\/\/)[^\s/"'@]+@/g;

/** Names of fields and headers whose value is a secret, without their `-` and `_` and in lower case. */
const SECRET_FIELD =
  /(?:(?<!client|next)tokens?|authorization|cookies?|apikey|secret|password|privatekey|secretaccesskey|accesskeyid|credentials?|signature|secwebsocketprotocol)$/;

/**
 * Blanks the secrets in a text: participant tokens and other JSON Web Tokens, API keys, private keys, and what follows
 * `Bearer`, `token=`, `"apiKey": "` and the like.
 */
export function redactText(text: string): string {
  return redactShapes(text)
    .replace(NAMED, (_, name: string, ...[assigned, quoted, colon]: (string | undefined)[]) => {
      return `${name}${assigned ?? quoted ?? colon ?? ''}${REDACTED}`;
    })
    .replace(BEARER, `$1 ${REDACTED}`)
    .replace(USER_OF_URL, `${REDACTED}@`);
}

/**
 * A copy of any value, ready for JSON, in which no text holds a secret ({@link redactText}) and no field named like one
 * has its value. Errors keep their type, message, stack, code, cause and own fields. The value is not changed.
 */
export function redact(value: unknown): unknown {
  return copy(value, new Set(), 0);
}

function copy(value: unknown, above: Set<object>, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'function' || typeof value === 'symbol') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (above.has(value)) return '[circular]';
  if (depth >= MAX_DEPTH) return '[deeper]';
  above.add(value);
  try {
    return copyObject(value, (part) => copy(part, above, depth + 1));
  } catch {
    return '[unreadable]';
  } finally {
    above.delete(value);
  }
}

function copyObject(value: object, copyPart: (part: unknown) => unknown): unknown {
  if (Array.isArray(value) || value instanceof Set) return [...value].map(copyPart);
  if (value instanceof URL) return redactText(value.href);
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return `[${value.byteLength} bytes]`;
  if (value instanceof Error) return copyFields(fieldsOf(value), copyPart);
  if ('toJSON' in value && typeof value.toJSON === 'function') return copyPart(value.toJSON());
  if (value instanceof Map)
    return copyFields(
      [...value].map(([key, part]) => [String(key), part]),
      copyPart,
    );
  return copyFields(Object.entries(value), copyPart);
}

/** `message` and `stack` are no enumerable fields of an error, and `cause` need not be. */
function fieldsOf(error: Error): [string, unknown][] {
  const { name, message, stack, cause } = error;
  return [
    ['type', name],
    ['message', message],
    ['stack', stack],
    ...(cause === undefined ? [] : [['cause', cause] as [string, unknown]]),
    ...Object.entries(error).filter(([key]) => !['name', 'message', 'stack', 'cause'].includes(key)),
  ];
}

function copyFields(fields: [string, unknown][], copyPart: (part: unknown) => unknown): object {
  return Object.fromEntries(
    fields.map(([key, part]) => [redactShapes(key), isSecretField(key, part) ? REDACTED : copyPart(part)]),
  );
}

/** Whether there is a token may be told, and how many there are; not which. */
function isSecretField(key: string, value: unknown): boolean {
  const holdsText = (typeof value === 'string' && value !== '') || (typeof value === 'object' && value !== null);
  return holdsText && SECRET_FIELD.test(key.replaceAll(/[-_]/g, '').toLowerCase());
}

function redactShapes(text: string): string {
  return SHAPES.reduce((rest, shape) => rest.replace(shape, REDACTED), text);
}
