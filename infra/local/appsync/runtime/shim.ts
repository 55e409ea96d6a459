import type { runtime, Util } from '@aws-appsync/utils';

/** What the shim needs from outside of the sandbox. */
export interface Host {
  /** Milliseconds since 1970. */
  now(): number;
}

/** Thrown by `util.error`: the field ends with this error. */
export interface ErrorSignal {
  signal: 'error';
  message: string;
  errorType: string | null;
  data: unknown;
  errorInfo: unknown;
}

/** Thrown by `runtime.earlyReturn`. */
export interface ReturnSignal {
  signal: 'return';
  value: unknown;
  skipTo: 'END' | 'NEXT';
}

export type Signal = ErrorSignal | ReturnSignal;

/** The part of {@link Util} that the resolvers use: another member is added here when a resolver wants it. */
export interface UtilShim extends Pick<Util, 'error' | 'matches'> {
  time: Pick<Util['time'], 'nowEpochMilliSeconds' | 'nowEpochSeconds' | 'epochMilliSecondsToISO8601'>;
  math: Pick<Util['math'], 'randomWithinRange'>;
  dynamodb: { toMapValues(values: Record<string, unknown>): Record<string, TypedValue> };
}

/** A value as AppSync hands it to DynamoDB; a number stays a number there. */
export type TypedValue =
  | { S: string }
  | { N: number }
  | { BOOL: boolean }
  | { NULL: null }
  | { L: TypedValue[] }
  | { M: Record<string, TypedValue> };

/** The module `@aws-appsync/utils` as APPSYNC_JS has it; the package of this name holds types only. */
export function createUtils(host: Host): { util: UtilShim; runtime: typeof runtime } {
  // Taken now: the sandbox loses them before the first resolver runs.
  const { Date: Instant, RegExp: Pattern } = globalThis;
  const { floor, random } = Math;
  const { apply } = Reflect;
  const { test } = Pattern.prototype;
  return {
    util: {
      error(message, errorType, data, errorInfo): never {
        throw {
          signal: 'error',
          message,
          errorType: errorType ?? null,
          data: data ?? null,
          errorInfo: errorInfo ?? null,
        } satisfies ErrorSignal;
      },
      matches: (pattern, value) => apply(test, new Pattern(pattern), [value]),
      time: {
        nowEpochMilliSeconds: () => host.now(),
        nowEpochSeconds: () => floor(host.now() / 1_000),
        epochMilliSecondsToISO8601: (milliseconds) => new Instant(milliseconds).toISOString(),
      },
      math: {
        randomWithinRange: (from, below) => from + floor(random() * (below - from)),
      },
      dynamodb: {
        toMapValues: (values) => toTypedMap(values),
      },
    },
    runtime: {
      earlyReturn(value, options): never {
        throw { signal: 'return', value: value ?? null, skipTo: options?.skipTo ?? 'NEXT' } satisfies ReturnSignal;
      },
    },
  };
}

function toTypedMap(values: object): Record<string, TypedValue> {
  const typed: Record<string, TypedValue> = {};
  for (const [name, value] of Object.entries(values)) typed[name] = toTyped(value);
  return typed;
}

function toTyped(value: unknown): TypedValue {
  if (value === null || value === undefined) return { NULL: null };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: value };
  if (typeof value === 'boolean') return { BOOL: value };
  if (Array.isArray(value)) return { L: value.map(toTyped) };
  return { M: toTypedMap(value) };
}
