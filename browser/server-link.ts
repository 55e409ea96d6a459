import {
  CloseCode,
  LIMITS,
  type PageMessage,
  ProtocolError,
  parseServerMessage,
  type ServerMessage,
  stringify,
} from '../machines/protocol.ts';
import { sessionStateOf } from '../machines/session.ts';
import { greetingOf, messagesBetween, sessionEventOf, statsOf } from '../machines/session-link.ts';
import type { Session } from './session.ts';

declare global {
  interface Window {
    /** What the container hands over to its page before the page is loaded. */
    __vp?: { webSocketUrl: string; secret?: string; maxVideoBitrateKbps?: number; inspectUrl?: string };
  }
}

/** Where the page finds its server when nobody tells it: `npx tsx server/websocket-server.ts`. */
export const DEFAULT_WEBSOCKET_URL = 'ws://127.0.0.1:3001';

/** What the page uses of a WebSocket. */
export type PageSocket = Pick<WebSocket, 'send' | 'close' | 'onopen' | 'onmessage' | 'onclose'>;

/** How the page and its server stand; after `replaced` nothing more is tried. */
export type ServerState = 'waiting' | 'connected' | 'replaced';

export interface ServerLinkOptions {
  session: Pick<Session, 'actor' | 'figures'>;
  url: string;
  /** Proves the page to its server: offered as the WebSocket's subprotocol. */
  secret?: string;
  /** The name of this page load. Default: a random one. */
  pageId?: string;
  /** Default: the browser's WebSocket. */
  connect?: (url: string, protocols: string[]) => PageSocket;
  onState?: (state: ServerState) => void;
  /** Takes what went wrong with a message, in words. */
  onProblem?: (text: string) => void;
}

/** The wait before each new attempt to connect doubles from the first to the longest. */
const BACKOFF_MS = { first: 50, longest: 1_000 } as const;

/** For one attempt: a server that is held up takes a connection and does not answer. */
const CONNECT_TIMEOUT_MS = 5_000;

/**
 * Calls `tell` with each message by which a server or a person can follow the session: what changed, where it stands
 * after each change of its state, and every {@link LIMITS}.statsIntervalMs.
 *
 * @returns a function that ends it.
 */
export function reportSession(
  { actor, figures }: Pick<Session, 'actor' | 'figures'>,
  tell: (message: PageMessage) => void,
): () => void {
  let before = actor.getSnapshot();
  const subscription = actor.subscribe((snapshot) => {
    const messages = messagesBetween(before, snapshot);
    if (sessionStateOf(before) !== sessionStateOf(snapshot)) messages.push(statsOf(snapshot, figures()));
    before = snapshot;
    for (const message of messages) tell(message);
  });
  const timer = setInterval(() => tell(statsOf(actor.getSnapshot(), figures())), LIMITS.statsIntervalMs);
  return () => {
    subscription.unsubscribe();
    clearInterval(timer);
  };
}

/**
 * Puts the session under a server: it does what the server asks and tells it how it goes. The connection is made again
 * for ever, and the session goes on meanwhile; only when another page took this one's place, it leaves the stage and
 * stays away.
 */
export function linkToServer(options: ServerLinkOptions): void {
  const { session, url, secret, onState = () => {}, onProblem = () => {} } = options;
  const { pageId = crypto.randomUUID(), connect = (to, protocols) => new WebSocket(to, protocols) } = options;
  let socket: PageSocket | null = null;
  let isFirst = true;
  let failures = 0;
  const stopReporting = reportSession(session, send);

  function open(): void {
    const opened = connect(url, secret === undefined ? [] : [secret]);
    const deadline = setTimeout(() => lose(opened), CONNECT_TIMEOUT_MS);
    opened.onopen = () => {
      clearTimeout(deadline);
      socket = opened;
      onState('connected');
      for (const message of greetingOf(session.actor.getSnapshot(), session.figures(), isFirst)) send(message);
      isFirst = false;
    };
    opened.onmessage = ({ data }) => {
      failures = 0;
      receive(data);
    };
    opened.onclose = ({ code }) => {
      clearTimeout(deadline);
      if (code === CloseCode.REPLACED) giveWay();
      else lose(opened);
    };
  }

  function lose(lost: PageSocket): void {
    lost.onopen = null;
    lost.onmessage = null;
    lost.onclose = null;
    lost.close();
    if (socket === lost) onState('waiting');
    socket = null;
    setTimeout(open, Math.min(BACKOFF_MS.first * 2 ** failures, BACKOFF_MS.longest));
    failures += 1;
  }

  function giveWay(): void {
    stopReporting();
    socket = null;
    session.actor.send({ type: 'session.stop', reason: 'REPLACED' });
    onState('replaced');
  }

  function receive(data: unknown): void {
    const message = parse(data);
    if (message === null) return;
    if (message.type === 'error') {
      onProblem(`The server did not understand a message (${message.code}): ${message.error}`);
      return;
    }
    const event = sessionEventOf(message, session.actor.getSnapshot().context.epoch ?? 0);
    if (event !== null) session.actor.send(event);
    send(statsOf(session.actor.getSnapshot(), session.figures()));
  }

  function parse(data: unknown): ServerMessage | null {
    try {
      return parseServerMessage(String(data));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      onProblem(`A message of the server was dropped: ${error.message}`);
      return null;
    }
  }

  function send(message: PageMessage): void {
    const { epoch } = statsOf(session.actor.getSnapshot(), session.figures());
    socket?.send(stringify({ epoch, ...message, pageId }));
  }

  onState('waiting');
  open();
}
