import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAdmission } from './admission.ts';
import { createApiHandler } from './api/api-server.ts';
import { createOperations, type Endpoints } from './api/operations.ts';
import { createControlHandler } from './control/control-server.ts';
import { Faults } from './control/faults.ts';
import { createEventsServer } from './events/events-server.ts';
import { isLoopbackHost, sendJson } from './http.ts';
import { createSystemClock } from './model/clock.ts';
import { type Limits, Registry } from './model/registry.ts';
import { createLivePage } from './page/live-page.ts';
import type { Sfu } from './sfu/sfu.ts';
import { createSfu } from './sfu/werift-sfu.ts';
import { generateSigningKey } from './tokens.ts';
import { Media } from './whip/media.ts';
import { createWhipHandler, isMediaPath } from './whip/whip-server.ts';

export const DEFAULT_PORT = 4_100;
export const DEFAULT_CONTROL_PORT = 4_101;

/** The service's own quotas, where it documents them ("Service Quotas, Real-Time Streaming"). */
export const DEFAULT_LIMITS: Limits = {
  stages: 100,
  publicKeys: 3,
  publishersPerStage: 12,
  participantsPerStage: 10_000,
};

export interface StageOptions {
  /** Port of the REST API, the events socket, WHIP, WHEP and the page. 0: any free one. Default: {@link DEFAULT_PORT}. */
  port?: number;
  /** Port of the test control. 0: any free one. Default: {@link DEFAULT_CONTROL_PORT}. */
  controlPort?: number;
  host?: '127.0.0.1';
  /** Takes a line per thing that went wrong inside. Default: none. */
  log?: (line: string) => void;
  /** How long a participant whose events socket is gone, and who has no media, stays. Default: 10 s. */
  eventsGraceMs?: number;
  /** How long a session outlives its last participant. Default: 60 s (the service: "a few minutes"). */
  sessionLingerMs?: number;
  limits?: Partial<Limits>;
  /** The media side. Default: the real one. */
  sfu?: Sfu;
}

/** A running local stage service. */
export interface StageServer {
  /** Of the page; also the endpoint for the AWS SDK. */
  readonly url: string;
  readonly controlUrl: string;
  /** Ends every socket, peer connection and timer. */
  close(): Promise<void>;
}

/**
 * Starts the local IVS Real-Time service.
 *
 * @throws {Error} if a port is taken; it names the port and says what to do
 */
export async function startStage(options: StageOptions = {}): Promise<StageServer> {
  const host = options.host ?? '127.0.0.1';
  const clock = createSystemClock();
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const registry = new Registry(clock, options.sessionLingerMs ?? 60_000);
  const ownKey = await generateSigningKey();
  const sfu = options.sfu ?? createSfu({ host });
  const faults = new Faults();
  const media = new Media(sfu, registry, faults, clock, limits);
  const admit = createAdmission(registry, ownKey, clock, limits);
  let url = '';
  const endpoints = (): Endpoints => ({ events: `${url.replace('http', 'ws')}/events`, whip: `${url}/whip` });
  const events = createEventsServer({
    registry,
    media,
    admit,
    faults,
    clock,
    ownKeyArn: ownKey.arn,
    graceMs: options.eventsGraceMs ?? 10_000,
  });
  const serveMedia = createWhipHandler({ admit, media, faults, clock, baseUrl: () => url });
  const serveControl = createControlHandler(faults);
  const serveApi = createApiHandler(createOperations({ registry, ownKey, limits, endpoints }));

  const livePage = createLivePage({ registry, media, events, faults, clock });

  const servePublic = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname } = new URL(request.url ?? '/', url);
    if (isMediaPath(pathname)) return serveMedia(pathname, request, response);
    if (request.method === 'POST') return serveApi(pathname.slice(1), request, response);
    if (request.method === 'GET' && livePage.serve(pathname, response)) return;
    sendJson(response, 404, { message: 'There is nothing at this path.' });
  };
  const log = options.log ?? (() => undefined);
  const publicServer = createServer(guarded(servePublic, log));
  publicServer.on('upgrade', (request, socket, head) => {
    socket.on('error', () => socket.destroy());
    if (!isLoopbackHost(request)) socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n');
    else events.upgrade(request, socket, head).catch(() => socket.destroy());
  });
  const controlServer = createServer(guarded(serveControl, log));

  async function close(): Promise<void> {
    events.close();
    livePage.close();
    await sfu.close();
    clock.stop();
    await Promise.all([stop(publicServer), stop(controlServer)]);
  }

  try {
    url = await listen(publicServer, host, options.port ?? DEFAULT_PORT, 'port');
    const controlUrl = await listen(controlServer, host, options.controlPort ?? DEFAULT_CONTROL_PORT, 'controlPort');
    return { url, controlUrl, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Lets only loopback names in, and answers 500 where the handler fails. */
function guarded(
  handle: (request: IncomingMessage, response: ServerResponse) => Promise<void>,
  log: (line: string) => void,
): RequestListener {
  return (request, response) => {
    if (!isLoopbackHost(request)) {
      sendJson(response, 403, { message: 'Expected a loopback name in the header Host.' });
      return;
    }
    handle(request, response).catch((error: unknown) => {
      log(`${request.method} failed: ${error instanceof Error ? error.message : 'unknown error'}`);
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { message: 'The local stage failed.' });
    });
  };
}

async function listen(server: Server, host: string, port: number, option: string): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = `Port ${port} is taken: stop what listens there, or give the local stage another ${option} (0: any).`;
      reject(error.code === 'EADDRINUSE' ? new Error(taken) : error);
    });
    server.listen(port, host, resolve);
  });
  return `http://${host}:${(server.address() as AddressInfo).port}`;
}

async function stop(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  await closed;
}
