import { type DestinationStream, destination, type Logger, pino, stdTimeFunctions } from 'pino';
import type { Config } from './config.ts';
import { REDACTED, redact } from './redact.ts';

/**
 * A structured log. `log.info({ field }, 'sentence')`, `log.error({ err }, 'sentence')`; `log.child({ ... })` has its
 * fields on each of its lines.
 */
export type Log = Logger;

export interface LogOptions {
  /** The epoch that each line has. Default: lines have none, save where they or their child logger give one. */
  epoch?: () => number;
  /** Where the lines go. Default: stdout, written before the call returns, so that the last line before an exit is there. */
  destination?: DestinationStream;
}

/** Shorter ones are nobody's secrets, and would be found in the middle of words. */
const MIN_SECRET_CHARACTERS = 8;

type LogSettings = Pick<Config, 'vpId' | 'logLevel'> & Partial<Pick<Config, 'graphqlApiKey' | 'participantToken'>>;

/**
 * The log of the server: a line of JSON each with `level`, `time` (ISO 8601), `vp`, the fields given and `msg`. No line
 * holds a secret: each goes through {@link redact}, and loses the secrets of the settings whatever they look like.
 */
export function createLog(settings: LogSettings, { epoch, destination: to }: LogOptions = {}): Log {
  const { vpId, logLevel, graphqlApiKey = null, participantToken = null } = settings;
  const known = [graphqlApiKey, participantToken]
    .filter((secret) => secret !== null && secret.length >= MIN_SECRET_CHARACTERS)
    .map((secret) => JSON.stringify(secret).slice(1, -1));
  const blank = (line: string) => known.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), line);
  return pino(
    {
      level: logLevel,
      base: { vp: vpId },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      ...(epoch && { mixin: () => ({ epoch: epoch() }) }),
      // The whole line, since bindings of child loggers and formatted messages pass no other hook.
      hooks: { streamWrite: (line) => blank(`${JSON.stringify(redact(JSON.parse(line)))}\n`) },
    },
    to ?? destination({ dest: 1, sync: true }),
  );
}
