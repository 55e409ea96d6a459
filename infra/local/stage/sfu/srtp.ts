import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from 'node:crypto';
import { type RtpPacket, readRtp, rtpHeaderLength } from './rtp.ts';

/** DTLS-SRTP protection profiles (RFC 5764, RFC 7714) by their wire values. */
export const AEAD_AES_128_GCM = 0x0007;
export const AES128_CM_HMAC_SHA1_80 = 0x0001;
export type SrtpProfile = typeof AEAD_AES_128_GCM | typeof AES128_CM_HMAC_SHA1_80;

/** Lengths in bytes of what DTLS hands over for one direction. */
export const SRTP_KEY_LENGTH = 16;
export const SRTP_SALT_LENGTH = { [AEAD_AES_128_GCM]: 12, [AES128_CM_HMAC_SHA1_80]: 14 } as const;

export interface SrtpKeys {
  profile: SrtpProfile;
  key: Buffer;
  salt: Buffer;
}

const TAG_LENGTH = { [AEAD_AES_128_GCM]: 16, [AES128_CM_HMAC_SHA1_80]: 10 } as const;
const RTCP_HEADER_LENGTH = 8;
const RTCP_INDEX_LENGTH = 4;
const RTCP_ENCRYPTED = 0x8000_0000;

/** What one side of a session sends, encrypted. Sequence numbers may jump, as they do when packets are lost on purpose. */
export interface SrtpSender {
  protectRtp(header: Buffer, payload: Buffer): Buffer;
  /** Takes a compound RTCP packet. */
  protectRtcp(packet: Buffer): Buffer;
}

/** What one side of a session receives, decrypted; `undefined` stands for a packet that is malformed or not authentic. */
export interface SrtpReceiver {
  unprotectRtp(packet: Buffer): RtpPacket | undefined;
  unprotectRtcp(packet: Buffer): Buffer | undefined;
}

/** Makes the sending half of SRTP and SRTCP (RFC 3711). */
export function createSrtpSender({ profile, key, salt }: SrtpKeys): SrtpSender {
  const rtp = createCipher(profile, key, salt, 0);
  const rtcp = createCipher(profile, key, salt, 3);
  const rollovers = new Map<number, Rollover>();
  let rtcpIndex = 0;
  return {
    protectRtp(header, payload) {
      const sequenceNumber = header.readUInt16BE(2);
      const ssrc = header.readUInt32BE(8);
      const rollover = rolloverOf(rollovers, ssrc, sequenceNumber);
      const counter = rolloverCounter(rollover, sequenceNumber);
      advance(rollover, counter, sequenceNumber);
      return rtp.seal(rtp.rtpIv(ssrc, counter, sequenceNumber), header, payload, counter);
    },
    protectRtcp(packet) {
      rtcpIndex = (rtcpIndex + 1) & 0x7fff_ffff;
      const header = packet.subarray(0, RTCP_HEADER_LENGTH);
      const iv = rtcp.rtcpIv(packet.readUInt32BE(4), rtcpIndex);
      return rtcp.sealRtcp(iv, header, packet.subarray(RTCP_HEADER_LENGTH), (RTCP_ENCRYPTED | rtcpIndex) >>> 0);
    },
  };
}

/** Makes the receiving half. It keeps no replay list: a packet that comes twice is handed over twice. */
export function createSrtpReceiver({ profile, key, salt }: SrtpKeys): SrtpReceiver {
  const rtp = createCipher(profile, key, salt, 0);
  const rtcp = createCipher(profile, key, salt, 3);
  const rollovers = new Map<number, Rollover>();
  return {
    unprotectRtp(packet) {
      const headerLength = rtpHeaderLength(packet);
      if (headerLength === undefined || packet.length < headerLength + TAG_LENGTH[profile]) return undefined;
      const header = packet.subarray(0, headerLength);
      const sequenceNumber = header.readUInt16BE(2);
      const ssrc = header.readUInt32BE(8);
      const known = rollovers.get(ssrc);
      const rollover = known ?? { counter: 0, highest: sequenceNumber };
      const counter = rolloverCounter(rollover, sequenceNumber);
      const body = rtp.open(rtp.rtpIv(ssrc, counter, sequenceNumber), header, packet.subarray(headerLength), counter);
      if (body === undefined) return undefined;
      if (known === undefined) rollovers.set(ssrc, rollover);
      advance(rollover, counter, sequenceNumber);
      return readRtp(header, body);
    },
    unprotectRtcp(packet) {
      if (packet.length < RTCP_HEADER_LENGTH + RTCP_INDEX_LENGTH + TAG_LENGTH[profile]) return undefined;
      return rtcp.openRtcp(packet);
    },
  };
}

/** How often the 16-bit sequence number of one stream went round, and the highest one since (RFC 3711, 3.3.1). */
interface Rollover {
  counter: number;
  highest: number;
}

function rolloverOf(rollovers: Map<number, Rollover>, ssrc: number, sequenceNumber: number): Rollover {
  const known = rollovers.get(ssrc);
  if (known !== undefined) return known;
  const rollover = { counter: 0, highest: sequenceNumber };
  rollovers.set(ssrc, rollover);
  return rollover;
}

function rolloverCounter({ counter, highest }: Rollover, sequenceNumber: number): number {
  if (sequenceNumber - highest > 0x8000) return Math.max(0, counter - 1);
  return highest - sequenceNumber > 0x8000 ? counter + 1 : counter;
}

function advance(rollover: Rollover, counter: number, sequenceNumber: number): void {
  if (counter < rollover.counter || (counter === rollover.counter && sequenceNumber < rollover.highest)) return;
  rollover.counter = counter;
  rollover.highest = sequenceNumber;
}

interface Cipher {
  rtpIv(ssrc: number, rolloverCounter: number, sequenceNumber: number): Buffer;
  rtcpIv(ssrc: number, index: number): Buffer;
  seal(iv: Buffer, header: Buffer, payload: Buffer, rolloverCounter: number): Buffer;
  open(iv: Buffer, header: Buffer, sealed: Buffer, rolloverCounter: number): Buffer | undefined;
  sealRtcp(iv: Buffer, header: Buffer, payload: Buffer, index: number): Buffer;
  openRtcp(packet: Buffer): Buffer | undefined;
}

function createCipher(profile: SrtpProfile, masterKey: Buffer, masterSalt: Buffer, firstLabel: 0 | 3): Cipher {
  const key = deriveKey(masterKey, masterSalt, firstLabel, SRTP_KEY_LENGTH);
  const salt = deriveKey(masterKey, masterSalt, firstLabel + 2, SRTP_SALT_LENGTH[profile]);
  if (profile === AEAD_AES_128_GCM) return createGcm(key, salt);
  return createCounterMode(key, salt, deriveKey(masterKey, masterSalt, firstLabel + 1, 20));
}

/** RFC 3711, 4.3.1, at a key derivation rate of 0: the key stream of AES in counter mode from the salt and a label. */
export function deriveKey(masterKey: Buffer, masterSalt: Buffer, label: number, length: number): Buffer {
  const iv = Buffer.alloc(16);
  masterSalt.copy(iv);
  iv.writeUInt8(iv.readUInt8(7) ^ label, 7);
  return createCipheriv('aes-128-ctr', masterKey, iv).update(Buffer.alloc(length));
}

/** AEAD_AES_128_GCM (RFC 7714). */
function createGcm(key: Buffer, salt: Buffer): Cipher {
  const tagLength = TAG_LENGTH[AEAD_AES_128_GCM];
  const saltHead = salt.readUInt16BE(0);
  const saltSsrc = salt.readUInt32BE(2);
  const makeIv = (ssrc: number, high: number, low: number) => {
    const iv = Buffer.allocUnsafe(12);
    iv.writeUInt16BE(saltHead, 0);
    iv.writeUInt32BE((saltSsrc ^ ssrc) >>> 0, 2);
    iv.writeUInt32BE((salt.readUInt32BE(6) ^ high) >>> 0, 6);
    iv.writeUInt16BE(salt.readUInt16BE(10) ^ low, 10);
    return iv;
  };
  const encrypt = (iv: Buffer, associated: Buffer, payload: Buffer) => {
    const cipher = createCipheriv('aes-128-gcm', key, iv);
    cipher.setAAD(associated);
    const encrypted = cipher.update(payload);
    cipher.final();
    return { encrypted, tag: cipher.getAuthTag() };
  };
  const decrypt = (iv: Buffer, associated: Buffer, sealed: Buffer) => {
    const tagAt = sealed.length - tagLength;
    const decipher = createDecipheriv('aes-128-gcm', key, iv, { authTagLength: tagLength });
    decipher.setAAD(associated);
    decipher.setAuthTag(sealed.subarray(tagAt));
    const payload = decipher.update(sealed.subarray(0, tagAt));
    try {
      decipher.final();
    } catch {
      return undefined;
    }
    return payload;
  };
  const rtcpIv = (ssrc: number, index: number) => makeIv(ssrc, index >>> 16, index & 0xffff);
  return {
    rtpIv: makeIv,
    rtcpIv,
    seal(iv, header, payload) {
      const { encrypted, tag } = encrypt(iv, header, payload);
      return Buffer.concat([header, encrypted, tag], header.length + encrypted.length + tagLength);
    },
    open: decrypt,
    sealRtcp(iv, header, payload, index) {
      const trailer = uint32(index);
      const { encrypted, tag } = encrypt(iv, Buffer.concat([header, trailer]), payload);
      return Buffer.concat([header, encrypted, tag, trailer]);
    },
    openRtcp(packet) {
      const header = packet.subarray(0, RTCP_HEADER_LENGTH);
      const trailer = packet.subarray(packet.length - RTCP_INDEX_LENGTH);
      const index = trailer.readUInt32BE(0);
      if (index < RTCP_ENCRYPTED) return undefined;
      const sealed = packet.subarray(RTCP_HEADER_LENGTH, packet.length - RTCP_INDEX_LENGTH);
      const iv = rtcpIv(packet.readUInt32BE(4), index & 0x7fff_ffff);
      const payload = decrypt(iv, Buffer.concat([header, trailer]), sealed);
      return payload === undefined ? undefined : Buffer.concat([header, payload]);
    },
  };
}

/** AES in counter mode with HMAC-SHA1 cut to 80 bits (RFC 3711), which every WebRTC client has (RFC 8827, 6.5). */
function createCounterMode(key: Buffer, salt: Buffer, authenticationKey: Buffer): Cipher {
  const tagLength = TAG_LENGTH[AES128_CM_HMAC_SHA1_80];
  const makeIv = (ssrc: number, high: number, low: number) => {
    const iv = Buffer.alloc(16);
    salt.copy(iv);
    iv.writeUInt32BE((salt.readUInt32BE(4) ^ ssrc) >>> 0, 4);
    iv.writeUInt32BE((salt.readUInt32BE(8) ^ high) >>> 0, 8);
    iv.writeUInt16BE(salt.readUInt16BE(12) ^ low, 12);
    return iv;
  };
  const crypt = (iv: Buffer, data: Buffer) => createCipheriv('aes-128-ctr', key, iv).update(data);
  const tagOf = (...parts: Buffer[]) => {
    const hmac = createHmac('sha1', authenticationKey);
    for (const part of parts) hmac.update(part);
    return hmac.digest().subarray(0, tagLength);
  };
  const rtcpIv = (ssrc: number, index: number) => makeIv(ssrc, index >>> 16, index & 0xffff);
  return {
    rtpIv: makeIv,
    rtcpIv,
    seal(iv, header, payload, counter) {
      const encrypted = crypt(iv, payload);
      return Buffer.concat([header, encrypted, tagOf(header, encrypted, uint32(counter))]);
    },
    open(iv, header, sealed, counter) {
      const encrypted = sealed.subarray(0, sealed.length - tagLength);
      const tag = tagOf(header, encrypted, uint32(counter));
      return timingSafeEqual(tag, sealed.subarray(encrypted.length)) ? crypt(iv, encrypted) : undefined;
    },
    sealRtcp(iv, header, payload, index) {
      const encrypted = crypt(iv, payload);
      const trailer = uint32(index);
      return Buffer.concat([header, encrypted, trailer, tagOf(header, encrypted, trailer)]);
    },
    openRtcp(packet) {
      const authenticated = packet.subarray(0, packet.length - tagLength);
      if (!timingSafeEqual(tagOf(authenticated), packet.subarray(authenticated.length))) return undefined;
      const header = packet.subarray(0, RTCP_HEADER_LENGTH);
      const encrypted = authenticated.subarray(RTCP_HEADER_LENGTH, authenticated.length - RTCP_INDEX_LENGTH);
      const index = authenticated.readUInt32BE(authenticated.length - RTCP_INDEX_LENGTH);
      if (index < RTCP_ENCRYPTED) return Buffer.concat([header, encrypted]);
      const iv = rtcpIv(packet.readUInt32BE(4), index & 0x7fff_ffff);
      return Buffer.concat([header, crypt(iv, encrypted)]);
    },
  };
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(value >>> 0, 0);
  return bytes;
}
