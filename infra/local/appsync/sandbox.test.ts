import { bundleShim } from './bundle.ts';
import { loadHandlers } from './sandbox.ts';

let shim: string;

beforeAll(async () => {
  shim = await bundleShim();
});

/** What `expression` comes to in a response handler. */
function evaluate(expression: string, context: Record<string, unknown> = {}) {
  const code = `import { util, runtime } from "@aws-appsync/utils";
function request(ctx) { return null; }
function response(ctx) { return ${expression}; }
export { request, response };`;
  return loadHandlers('test', code, shim, () => 1_763_899_200_000).run('response', { stash: {}, ...context });
}

test.each([
  'process',
  'require',
  'module',
  'fetch',
  'setTimeout',
  'setInterval',
  'queueMicrotask',
  'Promise',
  'Date',
  'RegExp',
  'Function',
  'Symbol',
  'Proxy',
  'Reflect',
  'Map',
  'Set',
  'WeakRef',
  'globalThis',
  'eval',
  'WebAssembly',
  'Intl',
  'crypto',
  'structuredClone',
  'Buffer',
  'host',
])('there is no %s', (name) => {
  expect(evaluate(`typeof ${name}`)).toEqual({ value: 'undefined', stash: {} });
});

test.each([
  'Math.random()',
  'Object.create(null)',
  'Object.freeze({})',
  'Array.from([1])',
  '[1].entries()',
  '"a".localeCompare("b")',
  '"a".repeat(2)',
  '"a".match("a")',
  '/a/.test("a")',
  '(() => 1).constructor("return 1")()',
])('%s fails', (expression) => {
  expect(evaluate(expression)).toEqual({
    thrown: {
      signal: 'error',
      errorType: 'Code',
      message: expect.stringContaining('Runtime error: '),
      data: null,
      errorInfo: null,
    },
    stash: {},
  });
});

test.each([
  ['[3, 1].map((n) => n * 2).concat(Object.keys({ a: 1 })).slice(1)', [2, 'a']],
  ['JSON.stringify(Object.entries({ a: 1 }))', '[["a",1]]'],
  ['Math.max(1, Number("2")) + parseInt("3")', 5],
])('%s works', (expression, value) => {
  expect(evaluate(expression)).toEqual({ value, stash: {} });
});

test('what goes in and comes out is copied as JSON, the stash too', () => {
  const context = { stash: { kept: 1 }, args: { list: [1] } };
  const outcome = evaluate('(ctx.args.list.push(2), ctx.stash.more = { lost: undefined }, ctx.args)', context);
  expect(outcome).toEqual({ value: { list: [1, 2] }, stash: { kept: 1, more: {} } });
  expect(context).toEqual({ stash: { kept: 1 }, args: { list: [1] } });
});

test('util.error and runtime.earlyReturn end the handler', () => {
  expect(evaluate('(util.error("no", "TYPE", null, { a: 1 }), 1)')).toEqual({
    thrown: { signal: 'error', message: 'no', errorType: 'TYPE', data: null, errorInfo: { a: 1 } },
    stash: {},
  });
  expect(evaluate('(runtime.earlyReturn({ a: 1 }, { skipTo: "END" }), 1)')).toEqual({
    thrown: { signal: 'return', value: { a: 1 }, skipTo: 'END' },
    stash: {},
  });
});

test('util has the clock that is given, ranges below their end, patterns, and typed values of DynamoDB', () => {
  expect(
    evaluate(`[
      util.time.nowEpochSeconds(),
      util.time.epochMilliSecondsToISO8601(util.time.nowEpochMilliSeconds()),
      util.math.randomWithinRange(4, 5),
      util.matches('^a+$', 'aaa'),
      util.matches('^a+$', 'ab'),
      util.dynamodb.toMapValues({ s: 'x', n: 1, b: false, z: null, l: ['x'], m: { n: 2 } }),
    ]`),
  ).toEqual({
    value: [
      1_763_899_200,
      '2025-11-23T12:00:00.000Z',
      4,
      true,
      false,
      {
        s: { S: 'x' },
        n: { N: 1 },
        b: { BOOL: false },
        z: { NULL: null },
        l: { L: [{ S: 'x' }] },
        m: { M: { n: { N: 2 } } },
      },
    ],
    stash: {},
  });
});

test('a module that imports anything but the runtime is refused', () => {
  const code = 'import { readFileSync } from "node:fs";\nexport { readFileSync };';
  expect(() => loadHandlers('bad', code, shim, Date.now)).toThrow(
    'Resolver bad: expected no import but @aws-appsync/utils, found: import { readFileSync } from "node:fs";',
  );
});
