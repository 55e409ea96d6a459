import { readRtp, readTextExtension, rtpHeaderLength, startsKeyFrame, writeRtpHeader } from './rtp.ts';

describe('rtpHeaderLength', () => {
  const withFlags = (flags: number, length: number) => {
    const packet = Buffer.alloc(length);
    packet.writeUInt8(flags, 0);
    if (length >= 20) packet.writeUInt16BE(1, 18);
    return packet;
  };
  it.each([
    ['without CSRC or extension is 12', withFlags(0x80, 12), 12],
    ['with 2 CSRCs is 20', withFlags(0x82, 20), 20],
    ['with 1 CSRC and an extension of one word is 24', withFlags(0x91, 30), 24],
    ['is unknown when the packet ends before 12', withFlags(0x80, 11), undefined],
    ['is unknown when the packet ends within the CSRCs', withFlags(0x82, 19), undefined],
    ['is unknown when the packet ends before the extension', withFlags(0x90, 14), undefined],
    ['is unknown when the packet ends within the extension', withFlags(0x91, 22), undefined],
  ])('%s', (_title, packet, expected) => {
    expect(rtpHeaderLength(packet)).toEqual(expected);
  });
});

describe('readRtp', () => {
  it('reads what writeRtpHeader wrote', () => {
    const header = writeRtpHeader(111, true, 65_535, 0xffff_ffff, 0xfedc_ba98);
    expect(readRtp(header, Buffer.from('sound'))).toEqual({
      payloadType: 111,
      marker: true,
      sequenceNumber: 65_535,
      timestamp: 0xffff_ffff,
      ssrc: 0xfedc_ba98,
      extension: Buffer.alloc(0),
      payload: Buffer.from('sound'),
    });
  });

  it('takes padding off, down to an empty payload', () => {
    const header = writeRtpHeader(96, false, 1, 2, 3);
    header.writeUInt8(0xa0, 0);
    const payloads = [Buffer.from([1, 2, 0, 0, 3]), Buffer.from([0, 0, 3]), Buffer.from([200])];
    expect(payloads.map((body) => readRtp(header, body).payload)).toEqual([
      Buffer.from([1, 2]),
      Buffer.alloc(0),
      Buffer.alloc(0),
    ]);
  });
});

describe('readTextExtension', () => {
  const oneByte = Buffer.from([0xbe, 0xde, 0, 2, 0x40, 0x31, 0, 0xa1, 0x68, 0x69, 0, 0]);
  const twoBytes = Buffer.from([0x10, 0x00, 0, 2, 4, 1, 0x31, 0, 10, 2, 0x68, 0x69]);
  it.each([
    ['one-byte form', oneByte, 10, 'hi'],
    ['one-byte form, first element', oneByte, 4, '1'],
    ['two-byte form', twoBytes, 10, 'hi'],
    ['element that is not there', oneByte, 11, undefined],
    ['no extension', Buffer.alloc(0), 10, undefined],
  ])('%s', (_title, extension, id, expected) => {
    expect(readTextExtension(extension, id)).toEqual(expected);
  });
});

describe('startsKeyFrame', () => {
  it.each([
    ['an SPS', [0x67, 0x42], true],
    ['an IDR slice', [0x65, 0x88], true],
    ['STAP-A that begins with an SPS', [0x78, 0, 4, 0x67, 0x42], true],
    ['the first FU-A fragment of an IDR slice', [0x7c, 0x85], true],
    ['a later FU-A fragment of an IDR slice', [0x7c, 0x05], false],
    ['the first FU-A fragment of another slice', [0x7c, 0x81], false],
    ['another slice', [0x41, 0x9a], false],
    ['STAP-A that begins with another slice', [0x78, 0, 4, 0x41, 0x9a], false],
    ['a payload of one byte', [0x65], false],
  ])('%s: %j is %s', (_title, bytes, expected) => {
    expect(startsKeyFrame(Buffer.from(bytes))).toEqual(expected);
  });
});
