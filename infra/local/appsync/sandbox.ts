import { type Context, createContext, Script } from 'node:vm';
import type { Signal } from './runtime/shim.ts';

/** What a handler came to: its value, or the signal that ended it; `stash` as it left it. */
export type Outcome = ({ value: unknown } | { thrown: Signal }) & { stash: Record<string, unknown> };

/** One resolver or function, loaded. */
export interface Handlers {
  run(handler: 'request' | 'response', context: Record<string, unknown>): Outcome;
}

/** Globals that APPSYNC_JS has ("Supported runtime features"); of a fresh context all others are taken away. */
const GLOBALS = [
  'Array',
  'Boolean',
  'Infinity',
  'JSON',
  'Math',
  'NaN',
  'Number',
  'Object',
  'String',
  'decodeURI',
  'decodeURIComponent',
  'encodeURI',
  'encodeURIComponent',
  'isFinite',
  'isNaN',
  'parseFloat',
  'parseInt',
  'undefined',
];

/** Methods that APPSYNC_JS lacks, by where they are in JavaScript. */
const LACKING: Record<string, string[]> = {
  Math: ['random'],
  Object: [
    'create',
    'defineProperties',
    'defineProperty',
    'freeze',
    'getOwnPropertyDescriptor',
    'getOwnPropertyDescriptors',
    'getOwnPropertyNames',
    'getOwnPropertySymbols',
    'getPrototypeOf',
    'groupBy',
    'is',
    'isExtensible',
    'isFrozen',
    'isSealed',
    'preventExtensions',
    'seal',
    'setPrototypeOf',
  ],
  Array: ['from', 'fromAsync', 'of'],
  'Array.prototype': ['copyWithin', 'entries', 'keys', 'toLocaleString', 'values'],
  'RegExp.prototype': ['constructor', 'exec', 'test'],
  String: ['fromCharCode', 'fromCodePoint', 'raw'],
  'String.prototype': [
    'charCodeAt',
    'localeCompare',
    'match',
    'matchAll',
    'padEnd',
    'padStart',
    'repeat',
    'search',
    'toLocaleLowerCase',
    'toLocaleUpperCase',
  ],
};

/** Takes away what APPSYNC_JS has not. */
const PROLOGUE = `
  const utils = appsyncShim.createUtils(host);
  const everything = globalThis;
  const keep = new Set(${JSON.stringify(GLOBALS)});
  for (const [path, names] of ${JSON.stringify(Object.entries(LACKING))}) {
    const owner = path.split('.').reduce((object, name) => object[name], everything);
    for (const name of names) delete owner[name];
  }
  for (const name of Reflect.ownKeys(everything)) if (!keep.has(name)) delete everything[name];
`;

/** Offers the handlers as one function, JSON in and JSON out. */
const EPILOGUE = `
  return (handler, json) => {
    const context = JSON.parse(json);
    try {
      const value = handlers[handler](context) ?? null;
      return JSON.stringify({ value, stash: context.stash });
    } catch (error) {
      const thrown = error.signal ? error : {
        signal: 'error', errorType: 'Code', message: 'Runtime error: ' + error, data: null, errorInfo: null,
      };
      return JSON.stringify({ thrown, stash: context.stash });
    }
  };
`;

/**
 * Loads one bundled resolver into a context of its own, which has no more than APPSYNC_JS has: no process, fetch,
 * timers, promises, Date, Math.random or eval. What goes in and what comes out is copied as JSON.
 *
 * @param code - an ES module as esbuild writes it
 * @param now - the clock of `util.time`, milliseconds since 1970
 * @throws {Error} if the module imports anything but `@aws-appsync/utils`
 */
export function loadHandlers(name: string, code: string, shim: string, now: () => number): Handlers {
  const sandbox: Context = createContext({ host: { now } }, { name, codeGeneration: { strings: false, wasm: false } });
  const source = `(() => {'use strict'; ${shim} ${PROLOGUE}
    const handlers = (() => {${toFunctionBody(name, code)}})();
    ${EPILOGUE} })()`;
  const script = new Script(source, { filename: `${name}.js` });
  const invoke: (handler: string, json: string) => string = script.runInContext(sandbox);
  return { run: (handler, context) => JSON.parse(invoke(handler, JSON.stringify(context))) };
}

/** A context of vm takes scripts, not modules: imports become destructuring, the exports a result. */
function toFunctionBody(name: string, code: string): string {
  const body = code
    .replace(/^import \{([^}]*)\} from "@aws-appsync\/utils";$/gm, (_, names: string) => {
      return `const {${names.replaceAll(' as ', ': ')}} = utils;`;
    })
    .replace(/^export \{([^}]*)\};$/m, 'return {$1};');
  const foreign = /^(import|export)\b.*$/m.exec(body);
  if (foreign) throw new Error(`Resolver ${name}: expected no import but @aws-appsync/utils, found: ${foreign[0]}`);
  return body;
}
