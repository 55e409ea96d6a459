import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Refusal } from './connection.ts';

export interface HandshakeRules {
  /** The origins of the page, as a browser writes them: `http://localhost:3000`. */
  origins: readonly string[];
  /** Whether a client without an Origin is let in. Browsers always send one, other programs do not. Default: `false`. */
  allowNoOrigin?: boolean;
  /**
   * What the page offers as its WebSocket subprotocol: characters of an HTTP token, such as base64url. With it, only a
   * client that offers it can be the admitted page. Default: none, and any client that is let in can be.
   */
  secret?: string;
}

/** A client that is let in, or why it is not. */
export type Handshake = { refusal: null; mayBePage: boolean } | { refusal: Refusal };

const LOOPBACK_HOST = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i;

/**
 * Decides on a client by the headers of its opening handshake. Any page of the web can open a WebSocket to this
 * machine, so the Origin is checked; and one that rebinds its DNS name to 127.0.0.1 is known by the Host.
 */
export function checkHandshake(
  headers: IncomingHttpHeaders,
  { origins, allowNoOrigin = false, secret }: HandshakeRules,
): Handshake {
  if (!LOOPBACK_HOST.test(headers.host ?? '')) return { refusal: 'HOST' };
  const { origin } = headers;
  if (origin === undefined ? !allowNoOrigin : !origins.includes(origin)) return { refusal: 'ORIGIN' };
  if (secret === undefined) return { refusal: null, mayBePage: true };

  const offered = headers['sec-websocket-protocol']?.split(',').map((protocol) => protocol.trim()) ?? [];
  if (offered.length === 0) return { refusal: null, mayBePage: false };
  return offered.some((protocol) => isSame(protocol, secret))
    ? { refusal: null, mayBePage: true }
    : { refusal: 'SECRET' };
}

/** Takes the same time whatever is offered. */
function isSame(offered: string, secret: string): boolean {
  const [one, other] = [offered, secret].map((text) => createHash('sha256').update(text).digest());
  return one !== undefined && other !== undefined && timingSafeEqual(one, other);
}
