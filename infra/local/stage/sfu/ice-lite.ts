import { randomBytes } from 'node:crypto';
import type { RemoteInfo } from 'node:dgram';
import { classes, Message, methods, parseMessage } from 'werift';

/** The credentials of one side of an ICE session (RFC 8445). */
export interface IceCredentials {
  readonly usernameFragment: string;
  readonly password: string;
}

/** Makes credentials of the length RFC 8445 asks for (at least 24 and 128 bits). */
export function createIceCredentials(): IceCredentials {
  return { usernameFragment: randomBytes(6).toString('hex'), password: randomBytes(16).toString('hex') };
}

/**
 * Answers a binding request as an ICE-lite agent does: it checks nothing itself and lets the peer choose the path.
 *
 * @returns `undefined` if the datagram is no authentic binding request for `credentials`.
 */
export function answerBindingRequest(
  datagram: Buffer,
  from: RemoteInfo,
  credentials: IceCredentials,
): { response: Buffer; nominated: boolean } | undefined {
  const key = Buffer.from(credentials.password, 'utf8');
  const request = parseMessage(datagram, key);
  if (request?.messageMethod !== methods.BINDING || request.messageClass !== classes.REQUEST) return undefined;
  const response = new Message(methods.BINDING, classes.RESPONSE, request.transactionId);
  response.setAttribute('XOR-MAPPED-ADDRESS', [from.address, from.port]).addMessageIntegrity(key).addFingerprint();
  return { response: response.bytes, nominated: request.attributesKeys.includes('USE-CANDIDATE') };
}
