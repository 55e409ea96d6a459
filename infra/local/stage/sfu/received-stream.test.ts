import { createReceivedStream } from './received-stream.ts';
import { readRtp, writeRtpHeader } from './rtp.ts';

const packet = (sequenceNumber: number, timestamp = 0) =>
  readRtp(writeRtpHeader(96, false, sequenceNumber, timestamp, 1), Buffer.alloc(10));

let nowMs = 0;
const makeStream = () => createReceivedStream(1, 90_000, () => nowMs);

describe('report', () => {
  it('of a stream that sent nothing is zero', () => {
    expect(makeStream().report()).toEqual({
      ssrc: 1,
      fractionLost: 0,
      packetsLost: 0,
      highestSequenceNumber: 0,
      jitter: 0,
      lastSenderReport: 0,
      delaySinceLastSenderReport: 0,
    });
  });

  it('counts what was lost since the report before it, and what was lost at all', () => {
    const stream = makeStream();
    for (const sequenceNumber of [10, 12, 13]) stream.count(packet(sequenceNumber));
    const first = stream.report();
    for (const sequenceNumber of [14, 11]) stream.count(packet(sequenceNumber));
    const second = stream.report();
    expect([first, second].map(({ fractionLost, packetsLost }) => ({ fractionLost, packetsLost }))).toEqual([
      { fractionLost: 64, packetsLost: 1 },
      { fractionLost: 0, packetsLost: 0 },
    ]);
  });

  it('counts sequence numbers on beyond their 16 bits', () => {
    const stream = makeStream();
    for (const sequenceNumber of [65_534, 65_535, 0, 2]) stream.count(packet(sequenceNumber));
    const { highestSequenceNumber, packetsLost } = stream.report();
    expect({ highestSequenceNumber, packetsLost }).toEqual({ highestSequenceNumber: 65_538, packetsLost: 1 });
  });

  it('has no jitter for packets that come at the pace of their timestamps, and some for one that comes 16 ms late', () => {
    const stream = makeStream();
    for (let index = 0; index < 10; index += 1) {
      stream.count(packet(index, index * 900));
      nowMs += 10;
    }
    const even = stream.report().jitter;
    nowMs += 16;
    stream.count(packet(10, 9_000));
    expect({ even, late: stream.report().jitter }).toEqual({ even: 0, late: 90 });
  });

  it('names the last sender report and how long ago it came', () => {
    const stream = makeStream();
    stream.countSenderReport({ seconds: 0xaaaa_0001, fraction: 0x8000_bbbb });
    nowMs += 500;
    const { lastSenderReport, delaySinceLastSenderReport } = stream.report();
    expect({ lastSenderReport, delaySinceLastSenderReport }).toEqual({
      lastSenderReport: 0x0001_8000,
      delaySinceLastSenderReport: 32_768,
    });
  });
});
