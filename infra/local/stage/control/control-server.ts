import type { IncomingMessage, ServerResponse } from 'node:http';
import * as v from 'valibot';
import { contentType, readBody, sendJson } from '../http.ts';
import { Refusal } from '../refusal.ts';
import { type FaultSpec, faultSchema } from './fault-schema.ts';
import type { Faults } from './faults.ts';

/** @throws {Refusal} `BAD_REQUEST` that names the field and what was expected of it */
export function parseFault(body: string): FaultSpec {
  let json: unknown;
  try {
    json = JSON.parse(body);
  } catch {
    throw new Refusal('BAD_REQUEST', 'The body is not JSON.');
  }
  const parsed = v.safeParse(faultSchema, json);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  throw new Refusal('BAD_REQUEST', `${v.getDotPath(issue) ?? 'body'}: ${issue.message}.`);
}

/** Serves the test control: `POST`, `GET` and `DELETE /faults`. */
export function createControlHandler(faults: Faults) {
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://control');
    if (pathname !== '/faults') throw new Refusal('NOT_FOUND', 'The test control has only /faults.');
    if (request.method === 'GET') {
      sendJson(response, 200, { faults: faults.armed });
    } else if (request.method === 'POST') {
      // Keeps out pages of other sites: without CORS they can post forms and text, but not JSON.
      if (contentType(request) !== 'application/json') {
        throw new Refusal('UNSUPPORTED_MEDIA_TYPE', 'Expected the header Content-Type: application/json.');
      }
      sendJson(response, 201, { fault: faults.add(parseFault(await readBody(request))) });
    } else if (request.method === 'DELETE') {
      faults.clear(searchParams.get('participantId') ?? undefined);
      response.writeHead(204).end();
    } else {
      throw new Refusal('METHOD_NOT_ALLOWED', 'Expected POST, GET or DELETE.');
    }
  }

  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      await serve(request, response);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      sendJson(response, error.status, { code: error.code, message: error.message });
    }
  };
}
