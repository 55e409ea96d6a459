import type { NtpTime, ReportBlock } from './rtcp.ts';
import type { RtpPacket } from './rtp.ts';

/** The account of one received RTP stream that its sender is told in receiver reports (RFC 3550, 6.4.1 and A.8). */
export interface ReceivedStream {
  count(packet: RtpPacket): void;
  countSenderReport(ntp: NtpTime): void;
  /** Closes the present interval of `fractionLost`. */
  report(): ReportBlock;
}

/**
 * Starts the account of stream `ssrc`.
 *
 * @param now The time in milliseconds, from any start.
 */
export function createReceivedStream(
  ssrc: number,
  clockRate: number,
  now: () => number = () => performance.now(),
): ReceivedStream {
  let first: number | undefined;
  let highest = 0;
  let packets = 0;
  let jitter = 0;
  let lastTransit: number | undefined;
  let reported = { expected: 0, packets: 0 };
  let lastSenderReport: { compactNtp: number; at: number } | undefined;

  return {
    count({ sequenceNumber, timestamp }) {
      packets += 1;
      if (first === undefined) {
        first = sequenceNumber;
        highest = sequenceNumber;
      } else {
        const ahead = (sequenceNumber - highest) & 0xffff;
        if (ahead < 0x8000) highest += ahead;
      }
      const transit = (now() * clockRate) / 1_000 - timestamp;
      const difference = Math.abs(transit - (lastTransit ?? transit));
      lastTransit = transit;
      // A timestamp that went round its 32 bits says nothing of the network.
      if (difference < clockRate) jitter += (difference - jitter) / 16;
    },
    countSenderReport({ seconds, fraction }) {
      const compactNtp = (((seconds & 0xffff) << 16) | (fraction >>> 16)) >>> 0;
      lastSenderReport = { compactNtp, at: now() };
    },
    report() {
      const expected = first === undefined ? 0 : highest - first + 1;
      const expectedNow = expected - reported.expected;
      const lostNow = expectedNow - (packets - reported.packets);
      reported = { expected, packets };
      const sinceReportMs = lastSenderReport === undefined ? 0 : now() - lastSenderReport.at;
      return {
        ssrc,
        fractionLost: lostNow > 0 ? Math.min(255, Math.floor((256 * lostNow) / expectedNow)) : 0,
        packetsLost: expected - packets,
        highestSequenceNumber: highest,
        jitter: Math.round(jitter),
        lastSenderReport: lastSenderReport?.compactNtp ?? 0,
        delaySinceLastSenderReport: Math.round((sinceReportMs * 65_536) / 1_000),
      };
    },
  };
}
