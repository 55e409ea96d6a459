import { createServer } from 'node:http';
import { within } from '../deadline.ts';
import { listen, pathOf, sendText, stop } from '../http.ts';
import type { MetricsPage } from '../metrics/prometheus.ts';
import { redactText } from '../redact.ts';

/** Answers why something is not well, in a sentence for a person; `null`: it is well. */
export type Check = (signal: AbortSignal) => string | null | Promise<string | null>;

export type Checks = Readonly<Record<string, Check>>;

export interface HealthOptions {
  /** `HEALTH_PORT`; 0: any free one. */
  port: number;
  /** Default: all interfaces, since it is asked from outside the container. */
  host?: string;
  /** By name. One that is not well means that the process should be replaced. */
  live: Checks;
  /** By name. One that is not well means that the virtual participant can take no invite now. */
  ready: Checks;
  /** What `/metrics` answers with. */
  metrics: MetricsPage;
  /** A check that takes longer is not well. Default: 1,000 ms. */
  checkTimeoutMs?: number;
}

/** Says over HTTP whether the server is well, and what it has counted. */
export interface Health {
  readonly port: number;
  /** Ends every connection. */
  close(): Promise<void>;
}

interface Answer {
  status: number;
  contentType: string;
  body: string;
}

interface Finding {
  ok: boolean;
  why?: string;
}

/**
 * Serves `/livez` and `/readyz`: 200 if every check is well, else 503, with each check's finding as JSON; and `/metrics`,
 * for Prometheus. Nothing else is served there.
 *
 * @throws {StartError} if the port is taken.
 */
export async function startHealth(options: HealthOptions): Promise<Health> {
  const { port, host, live, ready, metrics, checkTimeoutMs = 1_000 } = options;
  const closing = new AbortController();
  const run = (checks: Checks) => shared(async () => answerOf(await findings(checks, checkTimeoutMs, closing.signal)));
  const answers: Readonly<Record<string, () => Promise<Answer>>> = {
    '/livez': run(live),
    '/readyz': run(ready),
    '/metrics': shared(() => metricsAnswer(metrics)),
  };

  const server = createServer((request, response) => {
    const path = pathOf(request);
    const answer = Object.hasOwn(answers, path) ? answers[path] : undefined;
    if (answer === undefined) return sendText(response, 404, 'There is only /livez, /readyz and /metrics here.');
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      return sendText(response, 405, 'Expected GET or HEAD.');
    }
    void answer().then(({ status, contentType, body }) => {
      response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' });
      response.end(body);
    });
  });
  const taken = await listen(server, { port, setting: 'HEALTH_PORT', ...(host !== undefined && { host }) });
  return {
    port: taken,
    close() {
      closing.abort(new Error('The server is closing.'));
      return stop(server);
    },
  };
}

function answerOf(checks: Record<string, Finding>): Answer {
  const isWell = Object.values(checks).every(({ ok }) => ok);
  const body = `${JSON.stringify({ status: isWell ? 'ok' : 'failing', checks })}\n`;
  return { status: isWell ? 200 : 503, contentType: 'application/json', body };
}

async function metricsAnswer({ contentType, text }: MetricsPage): Promise<Answer> {
  try {
    return { status: 200, contentType, body: await text() };
  } catch {
    return { status: 500, contentType: 'text/plain; charset=utf-8', body: 'The metrics cannot be read.\n' };
  }
}

/** While one run is going on, whoever asks gets its result: many askers make no more work than one. */
function shared<T>(run: () => Promise<T>): () => Promise<T> {
  let present: Promise<T> | null = null;
  return () => {
    present ??= run().finally(() => {
      present = null;
    });
    return present;
  };
}

async function findings(checks: Checks, timeoutMs: number, closing: AbortSignal): Promise<Record<string, Finding>> {
  const found = Object.entries(checks).map(async ([name, check]) => [name, await finding(check, timeoutMs, closing)]);
  return Object.fromEntries(await Promise.all(found));
}

/** A check that fails or does not answer is not well. */
async function finding(check: Check, timeoutMs: number, closing: AbortSignal): Promise<Finding> {
  try {
    const why = await within(timeoutMs, closing, async (signal) => check(signal));
    return why === null ? { ok: true } : { ok: false, why: redactText(why) };
  } catch (error) {
    return { ok: false, why: redactText(error instanceof Error ? error.message : 'The check failed.') };
  }
}
