import {
  FUNCTIONS,
  type FunctionName,
  RESOLVERS,
  type ResolverPlan,
  type TableName,
} from '../../resolvers/manifest.ts';
import { bundleResolvers, bundleShim } from './bundle.ts';
import type { DynamoDbOutcome, DynamoDbRequest } from './dynamodb/requests.ts';
import type { DynamoDbSource } from './dynamodb/source.ts';
import { ENVIRONMENT, TABLE_NAMES } from './dynamodb/tables.ts';
import { AppSyncError } from './errors.ts';
import { type Handlers, loadHandlers, type Outcome } from './sandbox.ts';

/** Resolves one field of `Query` or `Mutation` by its resolver. */
export type Resolve = (field: string, call: FieldCall) => Promise<unknown>;

/** What a resolver is told of the field, as far as ours look at it. */
export interface FieldCall {
  args: Record<string, unknown>;
}

/** AppSync: "Functions per pipeline resolver: 10". */
export const MOST_FUNCTIONS = 10;

/**
 * Bundles and loads every resolver.
 *
 * @param now - the clock of the resolvers, milliseconds since 1970
 * @returns what runs them by `Type.field`; it throws {@link AppSyncError} where a resolver ends with an error
 */
export async function createResolve(source: DynamoDbSource, now: () => number): Promise<Resolve> {
  const [bundles, shim] = await Promise.all([bundleResolvers(), bundleShim()]);
  const loaded = new Map<string, Handlers>();
  for (const [name, code] of bundles) loaded.set(name, loadHandlers(name, code, shim, now));
  const handlersOf = (name: string): Handlers => {
    const handlers = loaded.get(name);
    if (!handlers) throw new Error(`There is no resolver "${name}": name it in resolvers/manifest.ts.`);
    return handlers;
  };

  return async (field, { args }) => {
    const plan = planOf(field);
    const context = { args, arguments: args, env: ENVIRONMENT, stash: {}, source: null, identity: null };
    const run = (name: string, table: TableName, prev: Previous | null) =>
      runHandlers(handlersOf(name), context, prev, (request) => source.run(TABLE_NAMES[table], request));
    if ('table' in plan) return (await run(field, plan.table, null)).value;
    if (plan.functions.length > MOST_FUNCTIONS) {
      throw new Error(`${field}: expected at most ${MOST_FUNCTIONS} functions, found ${plan.functions.length}.`);
    }
    return runPipeline(handlersOf(field), plan.functions, context, (name, prev) => run(name, FUNCTIONS[name], prev));
  };
}

/** What the step before came to. */
interface Previous {
  result: unknown;
}

interface Step {
  value: unknown;
  skipTo: 'END' | 'NEXT';
}

type CallContext = { stash: Record<string, unknown> };

async function runPipeline(
  resolver: Handlers,
  functions: readonly FunctionName[],
  context: CallContext,
  run: (name: FunctionName, prev: Previous) => Promise<Step>,
): Promise<unknown> {
  const before = settle(resolver.run('request', context), context);
  let prev: Previous = { result: before.value };
  if (!before.isEarly) {
    for (const name of functions) {
      const step = await run(name, prev);
      prev = { result: step.value };
      if (step.skipTo === 'END') break;
    }
  }
  return settle(resolver.run('response', { ...context, prev, result: prev.result }), context).value;
}

/** A unit resolver, or one function of a pipeline: request, data source, response. */
async function runHandlers(
  handlers: Handlers,
  context: CallContext,
  prev: Previous | null,
  ask: (request: DynamoDbRequest) => Promise<DynamoDbOutcome>,
): Promise<Step> {
  const request = settle(handlers.run('request', { ...context, prev }), context);
  if (request.isEarly) return request;
  const outcome = await ask(request.value as DynamoDbRequest);
  return settle(handlers.run('response', { ...context, prev, ...outcome }), context);
}

/** Keeps what a handler left in the stash, and ends the field if it ended with an error. */
function settle(outcome: Outcome, context: CallContext): Step & { isEarly: boolean } {
  context.stash = outcome.stash;
  if (!('thrown' in outcome)) return { value: outcome.value, skipTo: 'NEXT', isEarly: false };
  const { thrown } = outcome;
  if (thrown.signal === 'error') throw new AppSyncError(thrown);
  return { value: thrown.value, skipTo: thrown.skipTo, isEarly: true };
}

function planOf(field: string): ResolverPlan {
  const plan = (RESOLVERS as Record<string, ResolverPlan>)[field];
  if (!plan) throw new Error(`There is no resolver for "${field}": name it in resolvers/manifest.ts.`);
  return plan;
}
