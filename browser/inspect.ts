import type { InspectionEvent } from 'xstate';
import {
  InspectedActors,
  type Inspection,
  inspectionOf,
  outlineOf,
  stringifyInspection,
} from '../machines/inspection.ts';

/** Before the connection is tried again, in milliseconds. */
const RETRY_MS = 5_000;
/** More is not kept while there is no connection: then the present states are told instead. */
const MAX_UNSENT = 500;
/** A server that is so many bytes behind is given up, and told the present states when it is there again. */
const MAX_BUFFERED_BYTES = 1_048_576;

const TOKEN_FIELD = /tokens?$/i;
/** A JSON Web Token, whole or cut off, and a token of another make in the same three parts. */
const TOKENS = /eyJ[\w+/=%-]{10,}(?:\.[\w%-]*)*|(?<![\w-])[\w-]{10,}\.[\w-]{20,}\.[\w-]{40,}/g;

/**
 * Tells the server's inspection port what happens to the actors of this page, without tokens. What comes before the
 * connection stands is told when it does; a connection that breaks is made again.
 *
 * @param url - such as `ws://127.0.0.1:3002`.
 * @param secret - by which the server knows its page; it goes as the subprotocol.
 * @returns what `createActor` takes as `inspect`. It never throws.
 */
export function inspectTo(url: string, secret?: string): (event: InspectionEvent) => void {
  const actors = new InspectedActors();
  let unsent: string[] = [];
  let socket = connect();

  function connect(): WebSocket {
    const opened = new WebSocket(url, secret === undefined ? [] : [secret]);
    opened.onopen = () => {
      for (const text of unsent) opened.send(text);
      unsent = [];
    };
    opened.onclose = () => {
      unsent = actors.present().map(stringifyInspection);
      setTimeout(() => {
        socket = connect();
      }, RETRY_MS);
    };
    return opened;
  }

  return (event) => {
    const told = inspectionOf(event);
    if (told === null) return;
    const inspection = withoutTokens(told);
    const text = stringifyInspection(inspection);
    actors.take(inspection);
    const isOpen = socket.readyState === WebSocket.OPEN;
    if (isOpen && socket.bufferedAmount <= MAX_BUFFERED_BYTES) {
      socket.send(text);
      return;
    }
    if (isOpen) socket.close();
    unsent.push(text);
    if (unsent.length > MAX_UNSENT) unsent = actors.present().map(stringifyInspection);
  };
}

/** A copy without live values; only an outline if something in it cannot be JSON, such as an error of the SDK. */
function withoutTokens(inspection: Inspection): Inspection {
  try {
    return JSON.parse(JSON.stringify(inspection, blankTokens));
  } catch {
    return JSON.parse(JSON.stringify(outlineOf(inspection), blankTokens));
  }
}

function blankTokens(key: string, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  return TOKEN_FIELD.test(key) ? '[redacted]' : value.replaceAll(TOKENS, '[redacted]');
}
