import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Admit, Admitted } from '../admission.ts';
import type { Fault, Faults } from '../control/faults.ts';
import { MAX_BODY_BYTES } from '../http.ts';
import type { Clock } from '../model/clock.ts';
import type { Registry } from '../model/registry.ts';
import type { Stage } from '../model/stage.ts';
import { InjectedRefusal, Refusal } from '../refusal.ts';
import { clientInfo } from '../whip/client.ts';
import type { Media } from '../whip/media.ts';
import { Connection } from './connection.ts';
import { exchangeToken } from './exchange.ts';
import { type ClientMessage, type StageMessage, stringifyStageMessage } from './messages.ts';

/**
 * How long after a client has closed its socket properly it counts as gone. The SDK closes it so when it leaves, but
 * also when it misses answers to three PINGs, and then it is back within 10 ms.
 */
const LEAVE_DELAY_MS = 100;

export interface EventsServerOptions {
  readonly registry: Registry;
  readonly media: Media;
  readonly admit: Admit;
  readonly faults: Faults;
  readonly clock: Clock;
  /** ARN of the key whose tokens cannot be exchanged, as it is with the tokens of `CreateParticipantToken`. */
  readonly ownKeyArn: string;
  /** How long a participant whose socket broke off, and who has no media, stays. */
  readonly graceMs: number;
}

export interface EventsServer {
  /** Takes the upgrade request of an events socket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  isConnected(stage: Stage, participantId: string): boolean;
  close(): void;
}

/** Serves the events socket, on which the IVS SDK learns who is on the stage. */
export function createEventsServer(options: EventsServerOptions): EventsServer {
  const { registry, media, admit, faults, clock, ownKeyArn, graceMs } = options;
  const connections = new Set<Connection>();
  const held = new Set<Duplex>();
  const sequenceNumbers = new WeakMap<Stage, number>();
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_BODY_BYTES,
    handleProtocols: (protocols) => [...protocols][0] ?? false,
  });

  /** Those that the stage has not ended, though their clients may not have closed them yet. */
  const of = (stage: Stage, participantId?: string) =>
    [...connections].filter(
      (one) =>
        one.admitted.stage === stage &&
        !one.endedByStage &&
        (participantId === undefined || one.participantId === participantId),
    );

  function stateOf(stage: Stage): StageMessage {
    const sequenceNumber = (sequenceNumbers.get(stage) ?? 0) + 1;
    sequenceNumbers.set(stage, sequenceNumber);
    return { type: 'STAGE_STATE', payload: { sequenceNumber, stageId: stage.id, participants: stage.participants } };
  }

  registry.onChange((stage) => {
    const all = of(stage);
    if (all.length === 0) return;
    const text = stringifyStageMessage(stateOf(stage));
    for (const connection of all) connection.sendText(text);
  });
  registry.onRemoval((stage, { participantId, code, reason }) => {
    for (const connection of of(stage, participantId)) connection.disconnect(code, reason);
  });

  function open(socket: WebSocket, request: IncomingMessage, admitted: Admitted): void {
    const { stage, identity } = admitted;
    const traceId = queryOf(request).get('traceid') ?? '';
    for (const other of of(stage, identity.participantId)) {
      if (other.traceId === traceId) other.terminate();
      else {
        media.close(stage, identity.participantId);
        other.disconnect('TOKEN_REUSED', 'The token was used again elsewhere.');
      }
    }
    const connection = new Connection(socket, {
      admitted,
      traceId,
      hold: stage.enter(identity, clientInfo(request)),
      clock,
      resend: (one) => one.send(stateOf(stage)),
    });
    connections.add(connection);
    const unwatch = faults.watch('events', connection);
    connection.send(stateOf(stage));
    connection.onMessage((message) => receive(connection, message));
    socket.on('error', () => socket.terminate());
    socket.on('close', (code) => {
      connections.delete(connection);
      unwatch();
      closed(connection, code !== 1_006 && !connection.endedByStage);
    });
    faults.strike('events', connection);
  }

  function closed(connection: Connection, byClient: boolean): void {
    const { admitted, participantId } = connection;
    connection.release(graceMs);
    if (!byClient) return;
    clock.after(LEAVE_DELAY_MS, () => {
      if (of(admitted.stage, participantId).length === 0) admitted.stage.leave(participantId);
    });
  }

  function receive(connection: Connection, message: ClientMessage): void {
    switch (message.type) {
      case 'PING':
        connection.send({ type: 'PONG' });
        break;
      case 'SET_STATE':
        connection.admitted.stage.setMuted(connection.participantId, message);
        break;
      case 'aws:ivs:EXCHANGE_TOKEN':
        exchangeToken(connection, message.payload, { admit, media, ownKeyArn }).catch(() => connection.terminate());
        break;
    }
  }

  /** @throws {Refusal} where the fault is a refusal or the end of the connection */
  async function endure(fault: Fault, socket: Duplex): Promise<void> {
    if (fault.action === 'delay') await new Promise<void>((resolve) => clock.after(fault.delayMs ?? 0, resolve));
    if (fault.action === 'refuse') throw new InjectedRefusal(fault.code, fault.status);
    if (fault.action === 'drop') {
      held.add(socket);
      socket.on('close', () => held.delete(socket));
      throw new Held();
    }
  }

  /** Says no: on an open socket where the client can read it there, as a page cannot read the answer to an upgrade. */
  function refuse(request: IncomingMessage, socket: Duplex, head: Buffer, { code, message, status }: Refusal): void {
    if (queryOf(request).get('error_over_ws') === '1') {
      server.handleUpgrade(request, socket, head, (webSocket) => {
        webSocket.on('error', () => webSocket.terminate());
        webSocket.send(stringifyStageMessage({ type: 'aws:ivs:JOIN_ERROR', payload: { code, message } }));
        webSocket.close(1_000);
      });
      return;
    }
    const body = JSON.stringify({ code, message });
    socket.end(
      [
        `HTTP/1.1 ${status} Refused`,
        'content-type: application/json',
        'connection: close',
        `content-length: ${Buffer.byteLength(body)}`,
        '',
        body,
      ].join('\r\n'),
    );
  }

  return {
    async upgrade(request, socket, head) {
      if (new URL(request.url ?? '/', 'http://stage').pathname !== '/events') {
        return refuse(request, socket, head, new Refusal('NOT_FOUND', 'There is no socket at this path.'));
      }
      const token = request.headers['sec-websocket-protocol']?.split(',', 1)[0]?.trim() ?? '';
      try {
        const { identity } = await admit(token);
        const fault = faults.take('join', identity.participantId);
        if (fault !== undefined) await endure(fault, socket);
        // Once more: while a fault holds the handshake up, the participant may be disconnected or the stage deleted.
        const admitted = await admit(token);
        server.handleUpgrade(request, socket, head, (webSocket) => {
          if (fault?.action === 'cut') webSocket.terminate();
          else open(webSocket, request, admitted);
        });
      } catch (error) {
        if (error instanceof Refusal) refuse(request, socket, head, error);
        else if (!(error instanceof Held)) throw error;
      }
    },
    isConnected: (stage, participantId) => of(stage, participantId).length > 0,
    close() {
      for (const connection of connections) connection.terminate();
      for (const socket of held) socket.destroy();
      server.close();
    },
  };
}

/** A handshake that the test control wants never to be answered. */
class Held extends Error {
  override readonly name = 'Held';
}

const queryOf = (request: IncomingMessage): URLSearchParams => new URL(request.url ?? '/', 'http://stage').searchParams;
