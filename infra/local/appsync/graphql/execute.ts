import {
  type DocumentNode,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLFieldResolver,
  getOperationAST,
  type OperationDefinitionNode,
  parse,
  validate,
} from 'graphql';
import { AppSyncError, RequestError } from '../errors.ts';
import type { Resolve } from '../resolve.ts';
import type { AppSyncSchema, AuthMode } from './schema.ts';
import { pickSelected } from './selection.ts';

/** A GraphQL request as its JSON body says it. */
export interface GraphQlRequest {
  query: string;
  operationName?: string | null;
  variables?: Record<string, unknown> | null;
}

/** A response as AppSync writes it: what an error says besides its message stands at the error's top level. */
export interface GraphQlResponse {
  data: unknown;
  errors?: Record<string, unknown>[];
}

/** A document that fits the schema, and the operation of it that is asked for. */
export interface Prepared {
  document: DocumentNode;
  operation: OperationDefinitionNode;
  variables: Record<string, unknown>;
}

/** A mutation was successful: `selected` is what its caller selected of the result. */
export type OnMutation = (mutation: string, selected: unknown) => void;

interface Context {
  mode: AuthMode;
}

/** @throws {RequestError} if the body is not a GraphQL request */
export function readRequest(body: string): GraphQlRequest {
  let request: unknown;
  try {
    request = JSON.parse(body);
  } catch {
    throw new RequestError(400, 'MalformedHttpRequestException', 'Expected a JSON body.');
  }
  if (typeof request !== 'object' || request === null || typeof Reflect.get(request, 'query') !== 'string') {
    throw new RequestError(400, 'MalformedHttpRequestException', 'Expected a body with a "query" string.');
  }
  return request as GraphQlRequest;
}

/** @returns the errors, if the document does not fit the schema or has no such operation */
export function prepare(schema: AppSyncSchema, request: GraphQlRequest): Prepared | { errors: GraphQLError[] } {
  let document: DocumentNode;
  try {
    document = parse(request.query);
  } catch (error) {
    return { errors: error instanceof GraphQLError ? [error] : [new GraphQLError('The query cannot be parsed.')] };
  }
  const errors = validate(schema.graphql, document);
  if (errors.length > 0) return { errors: [...errors] };
  const operation = getOperationAST(document, request.operationName);
  if (!operation) return { errors: [new GraphQLError('Expected the name of one operation in the query.')] };
  return { document, operation, variables: request.variables ?? {} };
}

/** Carries out queries and mutations by the resolvers, and shows events to those who subscribed. */
export function createExecutor(schema: AppSyncSchema, resolve: Resolve, onMutation: OnMutation) {
  const resolveField: GraphQLFieldResolver<unknown, Context> = async (source, args, { mode }, info) => {
    const { parentType, fieldName, operation } = info;
    if (!schema.admits(mode, parentType.name, fieldName)) {
      throw new AppSyncError({
        errorType: 'Unauthorized',
        message: `Not Authorized to access ${fieldName} on type ${parentType.name}`,
      });
    }
    const isRoot = parentType.name === 'Query' || parentType.name === 'Mutation';
    if (!isRoot) return source && typeof source === 'object' ? Reflect.get(source, fieldName) : null;
    const result = await resolve(`${parentType.name}.${fieldName}`, { args });
    if (operation.operation === 'mutation' && result) onMutation(fieldName, pickSelected(result, info));
    return result;
  };

  return async ({ document, operation, variables }: Prepared, mode: AuthMode, event?: unknown) => {
    const result = await execute({
      schema: schema.graphql,
      document,
      rootValue: event,
      contextValue: { mode } satisfies Context,
      variableValues: variables,
      operationName: operation.name?.value,
      fieldResolver: resolveField,
    });
    return toResponse(result);
  };
}

export type Executor = ReturnType<typeof createExecutor>;

function toResponse({ data, errors }: ExecutionResult): GraphQlResponse {
  return { data: data ?? null, ...(errors && { errors: errors.map(toAppSyncError) }) };
}

/** An error in the shape and with the fields that AppSync gives it. */
export function toAppSyncError(error: GraphQLError): Record<string, unknown> {
  const cause = error.originalError instanceof AppSyncError ? error.originalError : null;
  return {
    path: error.path ?? null,
    data: cause?.data ?? null,
    errorType: cause?.errorType ?? null,
    errorInfo: cause?.errorInfo ?? null,
    locations: error.locations?.map(({ line, column }) => ({ line, column, sourceName: null })) ?? null,
    message: error.message,
  };
}
