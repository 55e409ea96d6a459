import type { IncomingMessage, ServerResponse } from 'node:http';
import * as v from 'valibot';
import { contentType, readBody, sendJson } from '../http.ts';
import { Refusal } from '../refusal.ts';
import { ApiError } from './errors.ts';
import type { Operations } from './operations.ts';
import { type OperationName, REQUESTS } from './schemas.ts';

const isOperation = (name: string): name is OperationName => Object.hasOwn(REQUESTS, name);

/**
 * Reads a request of an operation.
 *
 * @throws {ApiError} `ValidationException` that names the field and what was expected of it
 */
export function parseRequest<Name extends OperationName>(
  name: Name,
  body: string,
): v.InferOutput<(typeof REQUESTS)[Name]> {
  let json: unknown;
  try {
    json = body === '' ? {} : JSON.parse(body);
  } catch {
    throw new ApiError('ValidationException', 'The body is not JSON.');
  }
  const parsed = v.safeParse(REQUESTS[name], json);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new ApiError('ValidationException', `${v.getDotPath(issue) ?? 'request'}: ${issue.message}.`);
}

/** Serves `POST /<Operation>` as the AWS SDK asks it (REST-JSON). Any signature is taken. */
export function createApiHandler(operations: Operations) {
  async function answer(name: string, request: IncomingMessage): Promise<object> {
    // A page of another site can post forms here without being asked; JSON it can send only where CORS allows it.
    if (contentType(request) !== 'application/json') {
      throw new ApiError('ValidationException', 'Expected the header Content-Type: application/json.');
    }
    if (!isOperation(name)) {
      throw new ApiError('NotImplementedException', `The local stage has no operation ${name}.`);
    }
    const body = await readBody(request);
    const run = <Name extends OperationName>(one: Name) => operations[one](parseRequest(one, body));
    return run(name);
  }

  return async (name: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      sendJson(response, 200, await answer(name, request));
    } catch (caught) {
      const error = caught instanceof Refusal ? new ApiError('ValidationException', caught.message) : caught;
      if (!(error instanceof ApiError)) throw error;
      sendJson(response, error.status, { exceptionMessage: error.message }, { 'x-amzn-errortype': error.type });
    }
  };
}
