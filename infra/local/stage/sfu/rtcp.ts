/** What the SFU understands of a compound RTCP packet (RFC 3550, RFC 4585, RFC 5104); the rest is skipped. */
export type RtcpPacket =
  | { type: 'sender report'; ssrc: number; ntp: NtpTime; rtpTimestamp: number }
  | { type: 'receiver report'; reports: { ssrc: number; packetsLost: number }[] }
  | { type: 'key frame request'; ssrcs: number[] }
  | { type: 'nack'; ssrc: number; sequenceNumbers: number[] };

/** A 64-bit NTP time as its two words: seconds since 1900, and the fraction of a second. */
export interface NtpTime {
  seconds: number;
  fraction: number;
}

export interface ReportBlock {
  ssrc: number;
  /** Of the packets expected since the last report, in 256ths. */
  fractionLost: number;
  packetsLost: number;
  /** The highest sequence number with the count of its rollovers above it. */
  highestSequenceNumber: number;
  /** In units of the RTP clock. */
  jitter: number;
  /** The middle 32 bits of the NTP time of the last sender report; 0 if there was none. */
  lastSenderReport: number;
  /** Since that report came, in 65,536ths of a second. */
  delaySinceLastSenderReport: number;
}

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const SOURCE_DESCRIPTION = 202;
const TRANSPORT_FEEDBACK = 205;
const PAYLOAD_FEEDBACK = 206;
const GENERIC_NACK = 1;
const PICTURE_LOSS = 1;
const FULL_INTRA_REQUEST = 4;
const CNAME = 1;
const REPORT_BLOCK_LENGTH = 24;

/** Reads a compound packet up to the first part that is cut short. */
export function readRtcp(compound: Buffer): RtcpPacket[] {
  const packets: RtcpPacket[] = [];
  let at = 0;
  while (at + 8 <= compound.length) {
    const end = at + 4 * (compound.readUInt16BE(at + 2) + 1);
    if (end > compound.length) break;
    const packet = readOne(compound.subarray(at, end));
    if (packet !== undefined) packets.push(packet);
    at = end;
  }
  return packets;
}

function readOne(packet: Buffer): RtcpPacket | undefined {
  const count = packet.readUInt8(0) & 0x1f;
  switch (packet.readUInt8(1)) {
    case SENDER_REPORT: {
      if (packet.length < 28) return undefined;
      const ntp = { seconds: packet.readUInt32BE(8), fraction: packet.readUInt32BE(12) };
      return { type: 'sender report', ssrc: packet.readUInt32BE(4), ntp, rtpTimestamp: packet.readUInt32BE(16) };
    }
    case RECEIVER_REPORT: {
      const reports: { ssrc: number; packetsLost: number }[] = [];
      for (let at = 8; at + REPORT_BLOCK_LENGTH <= packet.length; at += REPORT_BLOCK_LENGTH) {
        reports.push({ ssrc: packet.readUInt32BE(at), packetsLost: packet.readIntBE(at + 5, 3) });
      }
      return { type: 'receiver report', reports };
    }
    case TRANSPORT_FEEDBACK: {
      if (count !== GENERIC_NACK || packet.length < 12) return undefined;
      return { type: 'nack', ssrc: packet.readUInt32BE(8), sequenceNumbers: readNack(packet.subarray(12)) };
    }
    case PAYLOAD_FEEDBACK: {
      if (packet.length < 12) return undefined;
      if (count === PICTURE_LOSS) return { type: 'key frame request', ssrcs: [packet.readUInt32BE(8)] };
      if (count !== FULL_INTRA_REQUEST) return undefined;
      const ssrcs: number[] = [];
      for (let at = 12; at + 8 <= packet.length; at += 8) ssrcs.push(packet.readUInt32BE(at));
      return { type: 'key frame request', ssrcs };
    }
    default:
      return undefined;
  }
}

function readNack(entries: Buffer): number[] {
  const sequenceNumbers: number[] = [];
  for (let at = 0; at + 4 <= entries.length; at += 4) {
    const first = entries.readUInt16BE(at);
    const following = entries.readUInt16BE(at + 2);
    sequenceNumbers.push(first);
    for (let bit = 0; bit < 16; bit += 1) {
      if ((following & (1 << bit)) !== 0) sequenceNumbers.push((first + bit + 1) & 0xffff);
    }
  }
  return sequenceNumbers;
}

/** A receiver report; without blocks it is the head that every compound packet needs. */
export function writeReceiverReport(ssrc: number, blocks: ReportBlock[]): Buffer {
  const packet = writeHead(RECEIVER_REPORT, blocks.length, 8 + REPORT_BLOCK_LENGTH * blocks.length);
  packet.writeUInt32BE(ssrc, 4);
  let at = 8;
  for (const block of blocks) {
    packet.writeUInt32BE(block.ssrc, at);
    packet.writeUInt8(block.fractionLost, at + 4);
    packet.writeIntBE(Math.max(-0x80_0000, Math.min(0x7f_ffff, block.packetsLost)), at + 5, 3);
    packet.writeUInt32BE(block.highestSequenceNumber >>> 0, at + 8);
    packet.writeUInt32BE(block.jitter >>> 0, at + 12);
    packet.writeUInt32BE(block.lastSenderReport >>> 0, at + 16);
    packet.writeUInt32BE(block.delaySinceLastSenderReport >>> 0, at + 20);
    at += REPORT_BLOCK_LENGTH;
  }
  return packet;
}

/** A sender report with the stream's CNAME, by which a receiver knows which audio belongs to which video. */
export function writeSenderReport(
  ssrc: number,
  ntp: NtpTime,
  rtpTimestamp: number,
  sent: { packets: number; bytes: number },
  cname: string,
): Buffer {
  const report = writeHead(SENDER_REPORT, 0, 28);
  report.writeUInt32BE(ssrc, 4);
  report.writeUInt32BE(ntp.seconds, 8);
  report.writeUInt32BE(ntp.fraction, 12);
  report.writeUInt32BE(rtpTimestamp >>> 0, 16);
  report.writeUInt32BE(sent.packets >>> 0, 20);
  report.writeUInt32BE(sent.bytes >>> 0, 24);
  const text = Buffer.from(cname, 'utf8');
  const description = writeHead(SOURCE_DESCRIPTION, 1, 8 + 4 * Math.ceil((text.length + 3) / 4));
  description.writeUInt32BE(ssrc, 4);
  description.writeUInt8(CNAME, 8);
  description.writeUInt8(text.length, 9);
  text.copy(description, 10);
  return Buffer.concat([report, description]);
}

/** Asks the sender of `mediaSsrc` for a key frame (PLI). */
export function writeKeyFrameRequest(ssrc: number, mediaSsrc: number): Buffer {
  const packet = writeHead(PAYLOAD_FEEDBACK, PICTURE_LOSS, 12);
  packet.writeUInt32BE(ssrc, 4);
  packet.writeUInt32BE(mediaSsrc, 8);
  return packet;
}

/** Asks the sender of `mediaSsrc` for packets again, one entry for each. */
export function writeNack(ssrc: number, mediaSsrc: number, sequenceNumbers: number[]): Buffer {
  const packet = writeHead(TRANSPORT_FEEDBACK, GENERIC_NACK, 12 + 4 * sequenceNumbers.length);
  packet.writeUInt32BE(ssrc, 4);
  packet.writeUInt32BE(mediaSsrc, 8);
  sequenceNumbers.forEach((sequenceNumber, index) => {
    packet.writeUInt16BE(sequenceNumber, 12 + 4 * index);
  });
  return packet;
}

function writeHead(type: number, count: number, length: number): Buffer {
  const packet = Buffer.alloc(length);
  packet.writeUInt8(0x80 | count, 0);
  packet.writeUInt8(type, 1);
  packet.writeUInt16BE(length / 4 - 1, 2);
  return packet;
}
