/** An RTP packet (RFC 3550) after SRTP was taken off. */
export interface RtpPacket {
  readonly payloadType: number;
  /** Set on the last packet of a picture. */
  readonly marker: boolean;
  readonly sequenceNumber: number;
  readonly timestamp: number;
  readonly ssrc: number;
  /** The header extension with its four-byte head; empty when there is none. */
  readonly extension: Buffer;
  /** Without padding; empty when the packet was padding only. */
  readonly payload: Buffer;
}

const FIXED_HEADER_LENGTH = 12;
const ONE_BYTE_EXTENSIONS = 0xbede;

/** The length in bytes of an RTP header with its CSRCs and extension, or `undefined` if the packet is too short for it. */
export function rtpHeaderLength(packet: Buffer): number | undefined {
  if (packet.length < FIXED_HEADER_LENGTH) return undefined;
  const flags = packet.readUInt8(0);
  let length = FIXED_HEADER_LENGTH + 4 * (flags & 0x0f);
  if ((flags & 0x10) !== 0) {
    if (packet.length < length + 4) return undefined;
    length += 4 + 4 * packet.readUInt16BE(length + 2);
  }
  return packet.length < length ? undefined : length;
}

/** Puts a packet together from its header bytes and its payload in the clear. */
export function readRtp(header: Buffer, body: Buffer): RtpPacket {
  const flags = header.readUInt8(0);
  const second = header.readUInt8(1);
  const padding = (flags & 0x20) !== 0 && body.length > 0 ? body.readUInt8(body.length - 1) : 0;
  return {
    payloadType: second & 0x7f,
    marker: second > 0x7f,
    sequenceNumber: header.readUInt16BE(2),
    timestamp: header.readUInt32BE(4),
    ssrc: header.readUInt32BE(8),
    extension: header.subarray(FIXED_HEADER_LENGTH + 4 * (flags & 0x0f)),
    payload: padding === 0 ? body : body.subarray(0, Math.max(0, body.length - padding)),
  };
}

/** The header of a packet without CSRCs, extension or padding. */
export function writeRtpHeader(
  payloadType: number,
  marker: boolean,
  sequenceNumber: number,
  timestamp: number,
  ssrc: number,
): Buffer {
  const header = Buffer.allocUnsafe(FIXED_HEADER_LENGTH);
  header.writeUInt8(0x80, 0);
  header.writeUInt8((marker ? 0x80 : 0) | payloadType, 1);
  header.writeUInt16BE(sequenceNumber, 2);
  header.writeUInt32BE(timestamp, 4);
  header.writeUInt32BE(ssrc, 8);
  return header;
}

/** The value of the header extension element `id` (RFC 8285, one-byte and two-byte forms) as text, if it is there. */
export function readTextExtension(extension: Buffer, id: number): string | undefined {
  if (extension.length < 4) return undefined;
  const headLength = extension.readUInt16BE(0) === ONE_BYTE_EXTENSIONS ? 1 : 2;
  let at = 4;
  while (at < extension.length) {
    const head = extension.readUInt8(at);
    if (head === 0) {
      at += 1;
      continue;
    }
    if (at + headLength > extension.length) return undefined;
    const elementId = headLength === 1 ? head >> 4 : head;
    const length = headLength === 1 ? (head & 0x0f) + 1 : extension.readUInt8(at + 1);
    const start = at + headLength;
    if (elementId === id) return extension.toString('latin1', start, start + length);
    at = start + length;
  }
  return undefined;
}

const NAL_IDR = 5;
const NAL_SPS = 7;
const NAL_STAP_A = 24;
const NAL_FU_A = 28;

/** Whether an H.264 payload (RFC 6184) is the first of a picture that a decoder can start at. */
export function startsKeyFrame(payload: Buffer): boolean {
  if (payload.length < 2) return false;
  const type = payload.readUInt8(0) & 0x1f;
  if (type === NAL_STAP_A) return payload.length > 3 && (payload.readUInt8(3) & 0x1f) === NAL_SPS;
  if (type === NAL_FU_A) return payload.readUInt8(1) === (0x80 | NAL_IDR);
  return type === NAL_SPS || type === NAL_IDR;
}
