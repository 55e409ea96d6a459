import { createForwardedTrack } from './forwarded-track.ts';
import { readRtp, writeRtpHeader } from './rtp.ts';

const DELTA = Buffer.from([0x41, 0x9a]);
const KEY = Buffer.from([0x67, 0x42]);
const HI = 1;
const LOW = 2;

const packet = (ssrc: number, sequenceNumber: number, timestamp: number, payload = DELTA) =>
  readRtp(writeRtpHeader(96, true, sequenceNumber, timestamp, ssrc), payload);

let nowMs = 0;

function makeTrack() {
  const keyFramesAsked: number[] = [];
  const track = createForwardedTrack(
    'video',
    90_000,
    (ssrc) => keyFramesAsked.push(ssrc),
    () => nowMs,
  );
  const numbersOf = (...packets: [ReturnType<typeof packet>, number][]) =>
    packets.map(([one, rank]) => {
      const forwarded = track.accept(one, rank);
      return forwarded && [forwarded.sequenceNumber, forwarded.timestamp];
    });
  return { track, numbersOf, keyFramesAsked };
}

describe('a stream without simulcast', () => {
  it('keeps its numbers, whatever the order it comes in', () => {
    const { numbersOf } = makeTrack();
    expect(numbersOf([packet(HI, 65_535, 10), 0], [packet(HI, 1, 30), 0], [packet(HI, 0, 20), 0])).toEqual([
      [65_535, 10],
      [1, 30],
      [0, 20],
    ]);
  });

  it('that gives way to another one after 1 s of silence goes on in the numbers that subscribers know', () => {
    const { track, numbersOf, keyFramesAsked } = makeTrack();
    numbersOf([packet(HI, 100, 9_000), 0]);
    nowMs += 1_001;
    const numbers = numbersOf([packet(LOW, 5_000, 77), 0], [packet(LOW, 5_001, 3_077), 0]);
    expect({ numbers, keyFramesAsked, published: track.toPublished(102) }).toEqual({
      numbers: [
        [101, 99_090],
        [102, 102_090],
      ],
      keyFramesAsked: [LOW],
      published: 5_001,
    });
  });
});

describe('simulcast', () => {
  it('forwards a better layer from its first key frame on, which it asks for once', () => {
    const { numbersOf, keyFramesAsked, track } = makeTrack();
    const numbers = numbersOf(
      [packet(LOW, 10, 0), 2],
      [packet(HI, 500, 0), 0],
      [packet(HI, 501, 0), 0],
      [packet(LOW, 11, 0), 2],
      [packet(HI, 502, 0, KEY), 0],
      [packet(LOW, 12, 0), 2],
    );
    expect({ numbers, keyFramesAsked, ssrc: track.ssrc }).toEqual({
      numbers: [[10, 0], undefined, undefined, [11, 0], [12, 0], undefined],
      keyFramesAsked: [HI],
      ssrc: HI,
    });
  });

  it('falls back to a worse layer when the better one is silent for 1 s, and returns to it', () => {
    const { numbersOf } = makeTrack();
    numbersOf([packet(HI, 1, 0), 0]);
    nowMs += 1_000;
    const tooEarly = numbersOf([packet(LOW, 50, 0), 2]);
    nowMs += 1;
    const after = numbersOf([packet(LOW, 51, 0), 2], [packet(HI, 2, 0, KEY), 0], [packet(LOW, 52, 0), 2]);
    expect({ tooEarly, after }).toEqual({ tooEarly: [undefined], after: [[2, 90_090], [3, 90_090], undefined] });
  });
});

describe('find', () => {
  it('gives back a packet by the number that subscribers know, for the last 512', () => {
    const { track, numbersOf } = makeTrack();
    for (let index = 0; index < 513; index += 1) numbersOf([packet(HI, index, index), 0]);
    const found = [0, 1, 512, 513].map((sequenceNumber) => track.find(sequenceNumber)?.timestamp);
    expect(found).toEqual([undefined, 1, 512, undefined]);
  });
});

describe('acceptSenderReport', () => {
  const ntp = { seconds: 1, fraction: 2 };
  it('maps the report of the forwarded stream to the timestamps that subscribers see, and ignores other reports', () => {
    const { track, numbersOf } = makeTrack();
    numbersOf([packet(HI, 1, 9_000), 0]);
    nowMs += 1_001;
    numbersOf([packet(LOW, 1, 0), 0]);
    track.acceptSenderReport(HI, ntp, 9_500);
    const ofOther = track.senderReport;
    track.acceptSenderReport(LOW, ntp, 500);
    expect({ ofOther, ofForwarded: track.senderReport }).toEqual({
      ofOther: undefined,
      ofForwarded: { ntp, rtpTimestamp: 99_590 },
    });
  });
});
