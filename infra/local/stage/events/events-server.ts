import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Admit, Admitted } from '../admission.ts';
import { MAX_BODY_BYTES } from '../http.ts';
import type { Hold } from '../model/participant.ts';
import type { Registry } from '../model/registry.ts';
import type { Stage } from '../model/stage.ts';
import { Refusal } from '../refusal.ts';
import { clientInfo } from '../whip/client.ts';
import { parseClientMessage, type StageMessage, stringifyStageMessage } from './messages.ts';

interface Connection {
  readonly socket: WebSocket;
  readonly stage: Stage;
  admitted: Admitted;
  readonly hold: Hold;
}

export interface EventsServer {
  /** Takes the upgrade request of an events socket. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void>;
  close(): void;
}

/** Serves the events socket, on which the IVS SDK learns who is on the stage. */
export function createEventsServer({
  registry,
  admit,
  graceMs,
}: {
  registry: Registry;
  admit: Admit;
  graceMs: number;
}): EventsServer {
  const connections = new Set<Connection>();
  const sequenceNumbers = new WeakMap<Stage, number>();
  const server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_BODY_BYTES,
    handleProtocols: (protocols) => [...protocols][0] ?? false,
  });

  const send = (socket: WebSocket, message: StageMessage) => socket.send(stringifyStageMessage(message));

  function stateOf(stage: Stage): StageMessage {
    const sequenceNumber = (sequenceNumbers.get(stage) ?? 0) + 1;
    sequenceNumbers.set(stage, sequenceNumber);
    return {
      type: 'STAGE_STATE',
      payload: { sequenceNumber, stageId: stage.id, participants: stage.participants },
    };
  }

  registry.onChange((stage) => {
    const text = stringifyStageMessage(stateOf(stage));
    for (const connection of connections) if (connection.stage === stage) connection.socket.send(text);
  });
  registry.onRemoval((stage, { participantId, code, reason }) => {
    for (const { socket, ...connection } of connections) {
      if (connection.stage !== stage || connection.admitted.identity.participantId !== participantId) continue;
      send(socket, { type: 'aws:ivs:DISCONNECT', payload: { code, reason } });
      socket.close(1_000);
    }
  });

  function open(socket: WebSocket, request: IncomingMessage, admitted: Admitted): void {
    const { stage, identity } = admitted;
    const hold = stage.enter(identity, clientInfo(request));
    const connection: Connection = { socket, stage, admitted, hold };
    connections.add(connection);
    send(socket, stateOf(stage));
    socket.on('message', (data) => receive(connection, String(data)));
    socket.on('error', () => socket.terminate());
    socket.on('close', (code) => {
      connections.delete(connection);
      hold.release(code === 1_000 || code === 1_001 ? 0 : graceMs);
    });
  }

  function receive({ socket, stage, admitted }: Connection, text: string): void {
    const message = parseClientMessage(text);
    if (message?.type === 'PING') send(socket, { type: 'PONG' });
    if (message?.type === 'SET_STATE') stage.setMuted(admitted.identity.participantId, message);
  }

  return {
    async upgrade(request, socket, head) {
      const token = request.headers['sec-websocket-protocol']?.split(',', 1)[0]?.trim() ?? '';
      try {
        const admitted = await admit(token);
        server.handleUpgrade(request, socket, head, (webSocket) => open(webSocket, request, admitted));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const body = JSON.stringify({ code: error.code, message: error.message });
        socket.end(
          `HTTP/1.1 ${error.status} ${error.code}\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
        );
      }
    },
    close() {
      for (const { socket } of connections) socket.terminate();
      server.close();
    },
  };
}
