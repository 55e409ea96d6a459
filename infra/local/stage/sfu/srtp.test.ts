import { RtcpRrPacket, RtpHeader, SrtcpSession, SrtpSession } from 'werift';
import { writeRtpHeader } from './rtp.ts';
import {
  AEAD_AES_128_GCM,
  AES128_CM_HMAC_SHA1_80,
  createSrtpReceiver,
  createSrtpSender,
  deriveKey,
  SRTP_SALT_LENGTH,
  type SrtpProfile,
} from './srtp.ts';

const key = Buffer.from('e1f97a0d3e018be0d64fa32c06de4139', 'hex');
const salt = Buffer.from('0ec675ad498afeebb6960b3aabe6', 'hex');
const payload = Buffer.from('a picture, or a part of one');
const ssrc = 0xcafebabe;

const profiles: [string, SrtpProfile][] = [
  ['AEAD_AES_128_GCM', AEAD_AES_128_GCM],
  ['AES128_CM_HMAC_SHA1_80', AES128_CM_HMAC_SHA1_80],
];

const keysOf = (profile: SrtpProfile) => ({ profile, key, salt: salt.subarray(0, SRTP_SALT_LENGTH[profile]) });
const headerOf = (sequenceNumber: number) => writeRtpHeader(96, true, sequenceNumber, 90_000, ssrc);
const packetOf = (sequenceNumber: number) => ({
  payloadType: 96,
  marker: true,
  sequenceNumber,
  timestamp: 90_000,
  ssrc,
  extension: Buffer.alloc(0),
  payload,
});

function weriftKeys(profile: SrtpProfile) {
  const { salt } = keysOf(profile);
  const keys = { localMasterKey: key, localMasterSalt: salt, remoteMasterKey: key, remoteMasterSalt: salt };
  return { profile, keys };
}

describe('key derivation', () => {
  it('gives the keys of RFC 3711, appendix B.3', () => {
    expect({
      encryption: deriveKey(key, salt, 0, 16).toString('hex'),
      salt: deriveKey(key, salt, 2, 14).toString('hex'),
      authentication: deriveKey(key, salt, 1, 20).toString('hex'),
    }).toEqual({
      encryption: 'c61e7a93744f39ee10734afe3ff7a087',
      salt: '30cbbc08863d8c85d49db34a9ae1',
      authentication: 'cebe321f6ff7716b6fd4ab49af256a156d38baa4',
    });
  });
});

describe.each(profiles)('%s', (_name, profile) => {
  it('reads RTP that another implementation protected', () => {
    const header = new RtpHeader({ payloadType: 96, marker: true, sequenceNumber: 7, timestamp: 90_000, ssrc });
    const sealed = new SrtpSession(weriftKeys(profile)).encrypt(payload, header);
    expect(createSrtpReceiver(keysOf(profile)).unprotectRtp(sealed)).toEqual(packetOf(7));
  });

  it('protects RTP so that another implementation reads it', () => {
    const sealed = createSrtpSender(keysOf(profile)).protectRtp(headerOf(7), payload);
    expect(new SrtpSession(weriftKeys(profile)).decrypt(sealed)).toEqual(Buffer.concat([headerOf(7), payload]));
  });

  it('reads RTCP that another implementation protected, and is read by it', () => {
    const report = new RtcpRrPacket({ ssrc, reports: [] }).serialize();
    const compound = Buffer.concat([report, report]);
    const other = new SrtcpSession(weriftKeys(profile));
    expect({
      read: createSrtpReceiver(keysOf(profile)).unprotectRtcp(other.encrypt(compound)),
      written: other.decrypt(createSrtpSender(keysOf(profile)).protectRtcp(compound)),
    }).toEqual({ read: compound, written: compound });
  });

  it('follows sequence numbers round their 16 bits, across a gap of 30,000 and back for a late packet', () => {
    const sender = createSrtpSender(keysOf(profile));
    const receiver = createSrtpReceiver(keysOf(profile));
    const sequenceNumbers = [65_530, 65_535, 0, 65_534, 1, 30_000, 60_000, 24_000, 24_001];
    const read = sequenceNumbers.map((one) => receiver.unprotectRtp(sender.protectRtp(headerOf(one), payload)));
    expect(read).toEqual(sequenceNumbers.map(packetOf));
  });

  it('refuses a packet of which any one part was changed or cut off', () => {
    const sealed = createSrtpSender(keysOf(profile)).protectRtp(headerOf(7), payload);
    const receiver = createSrtpReceiver(keysOf(profile));
    const changedAt = (index: number) => {
      const copy = Buffer.from(sealed);
      copy.writeUInt8(copy.readUInt8(index) ^ 1, index);
      return copy;
    };
    const broken = [changedAt(4), changedAt(15), changedAt(sealed.length - 1), sealed.subarray(0, 20), Buffer.alloc(3)];
    expect(broken.map((packet) => receiver.unprotectRtp(packet))).toEqual(broken.map(() => undefined));
    expect(receiver.unprotectRtp(sealed)).toEqual(packetOf(7));
  });

  it('refuses RTCP that was changed or cut off', () => {
    const report = new RtcpRrPacket({ ssrc, reports: [] }).serialize();
    const sealed = createSrtpSender(keysOf(profile)).protectRtcp(Buffer.concat([report, report]));
    const changed = Buffer.from(sealed);
    changed.writeUInt8(changed.readUInt8(9) ^ 1, 9);
    const receiver = createSrtpReceiver(keysOf(profile));
    expect([changed, sealed.subarray(0, 12)].map((packet) => receiver.unprotectRtcp(packet))).toEqual([
      undefined,
      undefined,
    ]);
  });
});
