import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Admit } from '../admission.ts';
import type { Fault, Faults } from '../control/faults.ts';
import { contentType, readBody, sendJson } from '../http.ts';
import type { Clock } from '../model/clock.ts';
import { InjectedRefusal, Refusal } from '../refusal.ts';
import { clientInfo } from './client.ts';
import type { Media, MediaResource } from './media.ts';

/** Pages of any origin publish and subscribe, and read where their resource is. */
const CORS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'POST, PATCH, DELETE, OPTIONS',
  'access-control-allow-headers': '*, authorization, content-type',
  'access-control-expose-headers': 'location',
  'access-control-max-age': '86400',
};

type Target =
  | { action: 'publish'; participantId: string | undefined }
  | { action: 'subscribe'; publisherId: string }
  | { action: 'resource'; resourceId: string };

const ROUTES: readonly [RegExp, (id: string) => Target][] = [
  [/^\/whip\/publish\/([^/]+)$/, (participantId) => ({ action: 'publish', participantId })],
  [/^\/whip\/?$/, () => ({ action: 'publish', participantId: undefined })],
  [/^\/(?:whip\/subscribe|whep)\/([^/]+)$/, (publisherId) => ({ action: 'subscribe', publisherId })],
  [/^\/whip\/resource\/([^/]+)$/, (resourceId) => ({ action: 'resource', resourceId })],
];

function targetOf(path: string): Target | undefined {
  for (const [pattern, make] of ROUTES) {
    const match = pattern.exec(path);
    if (match !== null) return make(match[1] ?? '');
  }
  return undefined;
}

/** Whether a path is one of WHIP's or WHEP's. */
export const isMediaPath = (path: string): boolean => /^\/(whip|whep)(\/|$)/.test(path);

function bearerToken(request: IncomingMessage): string {
  const [scheme, token] = (request.headers.authorization ?? '').split(' ', 2);
  if (scheme?.toLowerCase() !== 'bearer' || token === undefined || token === '') {
    throw new Refusal('TOKEN_INVALID', 'Expected the header Authorization: Bearer <participant token>.');
  }
  return token;
}

function expectContentType(request: IncomingMessage, expected: string): void {
  if (contentType(request) !== expected) {
    throw new Refusal('UNSUPPORTED_MEDIA_TYPE', `Expected the header Content-Type: ${expected}.`);
  }
}

export interface WhipOptions {
  readonly admit: Admit;
  readonly media: Media;
  readonly faults: Faults;
  readonly clock: Clock;
  /** Of the stage, without a slash at its end. */
  readonly baseUrl: () => string;
}

/** A request that the test control wants to get no answer. */
class Unanswered extends Error {
  override readonly name = 'Unanswered';
}

/** Serves WHIP (RFC 9725) and WHEP, in the forms of the IVS SDK and of third-party clients. */
export function createWhipHandler({ admit, media, faults, clock, baseUrl }: WhipOptions) {
  async function endure(request: IncomingMessage, fault: Fault | undefined): Promise<void> {
    if (fault?.action === 'delay') await new Promise<void>((resolve) => clock.after(fault.delayMs ?? 0, resolve));
    if (fault?.action === 'refuse') throw new InjectedRefusal(fault.code, fault.status);
    if (fault?.action === 'cut') request.socket.destroy();
    const hasGone = request.socket.destroyed;
    if (hasGone || fault?.action === 'drop' || fault?.action === 'cut') throw new Unanswered();
  }

  async function open(target: Exclude<Target, { action: 'resource' }>, request: IncomingMessage) {
    expectContentType(request, 'application/sdp');
    const admitted = await admit(bearerToken(request), target.action);
    const offer = await readBody(request);
    const client = clientInfo(request);
    await endure(request, faults.take('offer', admitted.identity.participantId, target.action));
    if (target.action === 'subscribe') return media.subscribe(admitted, client, target.publisherId, offer);
    if (target.participantId !== undefined && target.participantId !== admitted.identity.participantId) {
      throw new Refusal('NOT_YOURS', 'The token is of another participant than the one in the path.');
    }
    return media.publish(admitted, client, offer);
  }

  async function find(resourceId: string, request: IncomingMessage): Promise<MediaResource> {
    const { stage, identity } = await admit(bearerToken(request));
    const resource = media.find(resourceId);
    if (resource === undefined || resource.stage !== stage || resource.participantId !== identity.participantId) {
      throw new Refusal('NOT_FOUND', 'There is no such resource: its peer connection has ended, or it is not yours.');
    }
    return resource;
  }

  async function serve(target: Target, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'OPTIONS') {
      response.writeHead(204, CORS).end();
    } else if (request.method === 'POST' && target.action !== 'resource') {
      const { id, session } = await open(target, request);
      response.writeHead(201, {
        ...CORS,
        'content-type': 'application/sdp',
        location: `${baseUrl()}/whip/resource/${id}`,
      });
      response.end(session.answerSdp);
    } else if (request.method === 'PATCH' && target.action === 'resource') {
      expectContentType(request, 'application/trickle-ice-sdpfrag');
      const { session } = await find(target.resourceId, request);
      await session.addCandidates(await readBody(request));
      response.writeHead(204, CORS).end();
    } else if (request.method === 'DELETE' && target.action === 'resource') {
      if (!media.hasEnded(target.resourceId)) (await find(target.resourceId, request)).session.close();
      response.writeHead(200, CORS).end();
    } else {
      throw new Refusal('METHOD_NOT_ALLOWED', `Not a method of this path: ${request.method}.`);
    }
  }

  return async (path: string, request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const target = targetOf(path);
      if (target === undefined) throw new Refusal('NOT_FOUND', 'There is nothing at this path.');
      await serve(target, request, response);
    } catch (error) {
      if (error instanceof Unanswered) return;
      if (!(error instanceof Refusal)) throw error;
      sendJson(response, error.status, { code: error.code, message: error.message }, CORS);
    }
  };
}
