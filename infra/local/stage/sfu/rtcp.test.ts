import {
  GenericNack,
  RtcpPacketConverter,
  RtcpReceiverInfo,
  RtcpSenderInfo,
  RtcpTransportLayerFeedback,
  SourceDescriptionChunk,
  SourceDescriptionItem,
} from 'werift';
import { readRtcp, writeKeyFrameRequest, writeNack, writeReceiverReport, writeSenderReport } from './rtcp.ts';

const ntp = { seconds: 0xe000_0001, fraction: 0x8000_0000 };
const block = {
  ssrc: 0xcafebabe,
  fractionLost: 128,
  packetsLost: -2,
  highestSequenceNumber: 0x0001_fffe,
  jitter: 90,
  lastSenderReport: 0x0001_8000,
  delaySinceLastSenderReport: 65_536,
};

describe('readRtcp', () => {
  it('reads each part of a compound packet that it knows, and skips the others', () => {
    const compound = Buffer.concat([
      writeSenderReport(1, ntp, 90_000, { packets: 3, bytes: 300 }, 'cname'),
      writeReceiverReport(2, [block]),
      writeKeyFrameRequest(3, 4),
      writeNack(5, 6, [65_535, 0]),
    ]);
    expect(readRtcp(compound)).toEqual([
      { type: 'sender report', ssrc: 1, ntp, rtpTimestamp: 90_000 },
      { type: 'receiver report', reports: [{ ssrc: 0xcafebabe, packetsLost: -2 }] },
      { type: 'key frame request', ssrcs: [4] },
      { type: 'nack', ssrc: 6, sequenceNumbers: [65_535, 0] },
    ]);
  });

  it('reads a NACK with a bit mask across the end of the sequence numbers', () => {
    const entries = writeNack(1, 2, [65_534]);
    entries.writeUInt16BE(0b101, 14);
    expect(readRtcp(entries)).toEqual([{ type: 'nack', ssrc: 2, sequenceNumbers: [65_534, 65_535, 1] }]);
  });

  it('reads what another implementation wrote', () => {
    const nack = new GenericNack({ senderSsrc: 1, mediaSourceSsrc: 2, lost: [10, 11, 40] });
    const compound = new RtcpTransportLayerFeedback({ feedback: nack }).serialize();
    expect(readRtcp(compound)).toEqual([{ type: 'nack', ssrc: 2, sequenceNumbers: [10, 11, 40] }]);
  });

  it('reads a full intra request (RFC 5104) for two streams', () => {
    const request = Buffer.from('84ce0006000000010000000000000009010000000000000a02000000', 'hex');
    expect(readRtcp(request)).toEqual([{ type: 'key frame request', ssrcs: [9, 10] }]);
  });

  it('stops at a part that is cut short', () => {
    const compound = Buffer.concat([writeKeyFrameRequest(1, 2), writeKeyFrameRequest(1, 3).subarray(0, 11)]);
    expect(readRtcp(compound)).toEqual([{ type: 'key frame request', ssrcs: [2] }]);
  });

  it.each([
    ['sender report', 200, 1],
    ['NACK', 205, 1],
    ['PLI', 206, 1],
  ])('skips a %s without its body', (_title, type, count) => {
    expect(readRtcp(Buffer.from([0x80 | count, type, 0, 1, 0, 0, 0, 1]))).toEqual([]);
  });
});

describe('the writers', () => {
  it('write what another implementation reads', () => {
    const compound = Buffer.concat([
      writeReceiverReport(2, [{ ...block, packetsLost: 2 }]),
      writeSenderReport(1, ntp, 90_000, { packets: 3, bytes: 300 }, 'cname'),
    ]);
    const [receiverReport, senderReport, description] = RtcpPacketConverter.deSerialize(compound);
    expect([receiverReport, senderReport, description].map((packet) => ({ ...packet }))).toEqual([
      {
        type: 201,
        ssrc: 2,
        reports: [
          new RtcpReceiverInfo({
            ssrc: 0xcafebabe,
            fractionLost: 128,
            packetsLost: 2,
            highestSequence: 0x0001_fffe,
            jitter: 90,
            lsr: 0x0001_8000,
            dlsr: 65_536,
          }),
        ],
      },
      {
        type: 200,
        ssrc: 1,
        reports: [],
        senderInfo: new RtcpSenderInfo({
          ntpTimestamp: 0xe000_0001_8000_0000n,
          rtpTimestamp: 90_000,
          packetCount: 3,
          octetCount: 300,
        }),
      },
      {
        type: 202,
        chunks: [
          new SourceDescriptionChunk({ source: 1, items: [new SourceDescriptionItem({ type: 1, text: 'cname' })] }),
        ],
      },
    ]);
  });
});
