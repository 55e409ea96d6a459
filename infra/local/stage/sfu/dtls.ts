import { createHash, X509Certificate } from 'node:crypto';
import {
  CipherContext,
  DtlsServer,
  type DtlsSocket,
  HashAlgorithm,
  NamedCurveAlgorithm,
  SignatureAlgorithm,
} from 'werift';
import { AEAD_AES_128_GCM, AES128_CM_HMAC_SHA1_80, SRTP_KEY_LENGTH, SRTP_SALT_LENGTH, type SrtpKeys } from './srtp.ts';

/** A certificate and key of the SFU's own making. */
export interface DtlsCertificate {
  readonly certPem: string;
  readonly keyPem: string;
  readonly signatureHash: { hash: 4; signature: 1 | 3 };
  /** As in SDP: SHA-256 in upper-case hexadecimal pairs. */
  readonly fingerprint: string;
}

export interface DtlsHandlers {
  send(datagram: Buffer): void;
  /** The handshake is done and the peer's certificate is the one its offer announced. */
  connected(keys: { local: SrtpKeys; remote: SrtpKeys }): void;
  /** The peer ended the association, or has another certificate than its offer announced. */
  closed(): void;
}

export interface DtlsAssociation {
  receive(datagram: Buffer): void;
  /** Sends close_notify if there is an association, and nothing afterwards. */
  close(): void;
}

const ALERT = 21;
const CLOSE_NOTIFY = Buffer.from([1, 0]);
const DTLS_1_2 = 0xfefd;

/** Makes the certificate that all associations of one SFU share. */
export async function createDtlsCertificate(): Promise<DtlsCertificate> {
  const made = await CipherContext.createSelfSignedCertificateWithKey(
    { signature: SignatureAlgorithm.ecdsa_3, hash: HashAlgorithm.sha256_4 },
    NamedCurveAlgorithm.secp256r1_23,
  );
  return { ...made, fingerprint: new X509Certificate(made.certPem).fingerprint256 };
}

/** Waits for a peer's DTLS 1.2 handshake, as the passive side. */
export function createDtlsAssociation(
  certificate: DtlsCertificate,
  peerFingerprint: { algorithm: string; value: string },
  handlers: DtlsHandlers,
): DtlsAssociation {
  let open = true;
  const transport = {
    type: 'udp',
    address: { address: '', family: '', port: 0 },
    closed: false,
    onData: (_datagram: Buffer) => {},
    send: async (datagram: Buffer) => {
      if (open) handlers.send(datagram);
    },
    close: async () => {},
  };
  const dtls = new DtlsServer({
    transport,
    cert: certificate.certPem,
    key: certificate.keyPem,
    signatureHash: certificate.signatureHash,
    srtpProfiles: [AEAD_AES_128_GCM, AES128_CM_HMAC_SHA1_80],
    extendedMasterSecret: true,
    certificateRequest: true,
  });

  function close() {
    if (!open) return;
    if (dtls.connected) handlers.send(writeCloseNotify(dtls));
    open = false;
    // Any flight above the last one ends werift's retransmission loop, which otherwise keeps a timer for half a minute.
    dtls.dtls.flight = Number.MAX_SAFE_INTEGER;
  }
  function fail() {
    if (!open) return;
    close();
    handlers.closed();
  }

  dtls.onConnect.once(() => {
    if (!open) return;
    const { remoteCertificate } = dtls;
    if (remoteCertificate === undefined || !matches(remoteCertificate, peerFingerprint)) return fail();
    handlers.connected(srtpKeys(dtls));
  });
  // werift's errors concern one message, which the peer repeats; who never gets through is closed for its silence.
  dtls.onClose.subscribe(fail);
  return {
    receive(datagram) {
      if (!open) return;
      try {
        transport.onData(datagram);
      } catch {
        // werift's parser throws on a datagram cut short; such a one is lost, as any may be.
      }
    },
    close,
  };
}

function matches(certificate: Buffer, { algorithm, value }: { algorithm: string; value: string }): boolean {
  const digest = createHash(algorithm.replace('-', '')).update(certificate).digest('hex');
  return digest === value.replaceAll(':', '').toLowerCase();
}

function srtpKeys(dtls: DtlsServer): { local: SrtpKeys; remote: SrtpKeys } {
  const profile = dtls.srtp.srtpProfile === AEAD_AES_128_GCM ? AEAD_AES_128_GCM : AES128_CM_HMAC_SHA1_80;
  const keys = dtls.extractSessionKeys(SRTP_KEY_LENGTH, SRTP_SALT_LENGTH[profile]);
  return {
    local: { profile, key: Buffer.from(keys.localKey), salt: Buffer.from(keys.localSalt) },
    remote: { profile, key: Buffer.from(keys.remoteKey), salt: Buffer.from(keys.remoteSalt) },
  };
}

/** The record that ends an association. werift sends none; a browser then needs its ICE timeout to notice. */
export function writeCloseNotify(dtls: DtlsSocket): Buffer {
  const { epoch } = dtls.dtls;
  dtls.dtls.recordSequenceNumber += 1;
  const sequenceNumber = dtls.dtls.recordSequenceNumber;
  const header = { type: ALERT, version: DTLS_1_2, epoch, sequenceNumber };
  const fragment = dtls.cipher.cipher.encrypt(dtls.sessionType, CLOSE_NOTIFY, header);
  const record = Buffer.alloc(13);
  record.writeUInt8(ALERT, 0);
  record.writeUInt16BE(DTLS_1_2, 1);
  record.writeUInt16BE(epoch, 3);
  record.writeUIntBE(sequenceNumber, 5, 6);
  record.writeUInt16BE(fragment.length, 11);
  return Buffer.concat([record, fragment]);
}
