import { readFileSync } from 'node:fs';
import { readFragmentUsername, readOffer, writeAnswer } from './sdp.ts';

const recorded = (name: string) =>
  readFileSync(new URL(`./testing/ivs-sdk-1.41.0-${name}.sdp`, import.meta.url), 'utf8');
const side = {
  ice: { usernameFragment: 'fragment', password: 'password' },
  fingerprint: 'AA:BB',
  host: '127.0.0.1',
  port: 5_000,
  streamId: 'stream',
};

function answerAll(sdp: string, direction: 'sendonly' | 'recvonly'): string[] {
  const offer = readOffer(sdp);
  const accepted = offer.sections.flatMap((section, index) =>
    section.codec === undefined
      ? []
      : [{ section, codec: section.codec, direction, ...(direction === 'sendonly' && { ssrc: 70 + index }) }],
  );
  return writeAnswer(offer, accepted, side).trimEnd().split('\r\n');
}

const TRANSPORT = [
  'a=ice-ufrag:fragment',
  'a=ice-pwd:password',
  'a=candidate:1 1 udp 2130706431 127.0.0.1 5000 typ host',
  'a=end-of-candidates',
  'a=fingerprint:sha-256 AA:BB',
  'a=setup:passive',
];
const SESSION = ['s=-', 't=0 0', 'a=group:BUNDLE 0 1', 'a=ice-lite'];
const BITRATE = 'x-google-start-bitrate=2500;x-google-min-bitrate=1500;x-google-max-bitrate=4000';
const H264 = 'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f';

describe('the answer to a recorded offer of the IVS SDK', () => {
  it('to publish takes Opus and constrained-baseline H.264 with bitrate hints, and no transport-wide feedback', () => {
    expect(answerAll(recorded('publish'), 'recvonly').slice(2)).toEqual([
      ...SESSION,
      'm=audio 9 UDP/TLS/RTP/SAVPF 111',
      'c=IN IP4 127.0.0.1',
      'a=mid:0',
      ...TRANSPORT,
      'a=recvonly',
      'a=rtcp-mux',
      'a=rtcp-rsize',
      'a=rtpmap:111 opus/48000/2',
      'a=fmtp:111 ;maxaveragebitrate=12000;minptime=10;sprop-stereo=0;stereo=0;useinbandfec=1',
      'm=video 9 UDP/TLS/RTP/SAVPF 108',
      'c=IN IP4 127.0.0.1',
      'a=mid:1',
      ...TRANSPORT,
      'a=recvonly',
      'a=rtcp-mux',
      'a=rtcp-rsize',
      'a=rtpmap:108 H264/90000',
      `a=fmtp:108 ${H264};${BITRATE}`,
      'a=rtcp-fb:108 ccm fir',
      'a=rtcp-fb:108 nack',
      'a=rtcp-fb:108 nack pli',
    ]);
  });

  it('to publish with simulcast takes every layer', () => {
    const lines = answerAll(recorded('publish-simulcast'), 'recvonly');
    expect(lines.slice(lines.indexOf('a=rtcp-fb:108 nack pli') + 1)).toEqual([
      'a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid',
      'a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id',
      'a=rid:low recv',
      'a=rid:mid recv',
      'a=rid:hi recv',
      'a=simulcast:recv low;mid;hi',
    ]);
  });

  it('to subscribe announces both streams as one media stream', () => {
    const lines = answerAll(recorded('subscribe'), 'sendonly');
    expect(lines.filter((line) => /^a=(msid|ssrc|sendonly|fmtp)/.test(line))).toEqual([
      'a=sendonly',
      'a=fmtp:111 ;maxaveragebitrate=128000;minptime=10;sprop-stereo=1;stereo=1;useinbandfec=1',
      'a=msid:stream stream-audio',
      'a=ssrc:70 cname:stream',
      'a=sendonly',
      `a=fmtp:108 ${H264}`,
      'a=msid:stream stream-video',
      'a=ssrc:71 cname:stream',
    ]);
  });
});

describe('the answer', () => {
  it('rejects a section that it does not take, and leaves it out of the bundle', () => {
    const offer = `${recorded('publish').replace('BUNDLE 0 1', 'BUNDLE 0 1 2')}${[
      'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
      'c=IN IP4 0.0.0.0',
      'a=mid:2',
      'a=sctp-port:5000',
    ].join('\r\n')}\r\n`;
    const lines = answerAll(offer, 'recvonly');
    expect({ group: lines[4], rejected: lines.slice(-4) }).toEqual({
      group: 'a=group:BUNDLE 0 1',
      rejected: ['m=application 0 UDP/DTLS/SCTP webrtc-datachannel', 'c=IN IP4 127.0.0.1', 'a=mid:2', 'a=inactive'],
    });
  });

  it('takes another H.264 profile when constrained baseline is not offered', () => {
    const offer = recorded('publish').replaceAll('profile-level-id=42e01f', 'profile-level-id=640c1f');
    expect(readOffer(offer).sections[1]?.codec?.parameters).toEqual(
      'level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f',
    );
  });
});

describe('readOffer', () => {
  const without = (pattern: RegExp) => recorded('publish').replace(pattern, '');
  it.each([
    ['text that is not SDP', 'm=nothing', 'offer: expected SDP (RFC 8866) with a=ice-ufrag and a=ice-pwd'],
    ['SDP that cannot be read', recorded('publish').replace('m=audio 9', 'm=audio'), 'offer: expected SDP (RFC 8866)'],
    ['no media', 'v=0\r\na=ice-ufrag:a\r\na=ice-pwd:b\r\n', 'offer: expected at least one m= section'],
    ['no bundle', without(/^a=group.*$/gm), 'a=group:BUNDLE: expected every m= section in it, and mid 0 is not'],
    [
      'no ICE credentials',
      without(/^a=ice-ufrag.*$/gm),
      'offer: expected SDP (RFC 8866) with a=ice-ufrag and a=ice-pwd',
    ],
    [
      'no fingerprint',
      without(/^a=fingerprint.*$/gm),
      'a=fingerprint: expected one of sha-1, sha-256, sha-384, sha-512',
    ],
    [
      'a client that waits for DTLS too',
      recorded('publish').replaceAll('a=setup:actpass', 'a=setup:passive'),
      'a=setup: expected actpass or active, as the stage answers passive (RFC 9725)',
    ],
  ])('refuses %s', (_title, sdp, message) => {
    expect(() => readOffer(sdp)).toThrow(expect.objectContaining({ name: 'OfferError', message }));
  });

  it('takes no codec from a section without rtcp-mux', () => {
    expect(readOffer(without(/^a=rtcp-mux\r\n/gm)).sections.map(({ codec }) => codec)).toEqual([undefined, undefined]);
  });
});

describe('readFragmentUsername', () => {
  it.each([
    ['the fragment that it names', 'a=ice-ufrag:ou9C\r\na=ice-pwd:x\r\n', 'ou9C'],
    ['nothing, when it names none', 'm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n', undefined],
  ])('gives %s', (_title, fragment, expected) => {
    expect(readFragmentUsername(fragment)).toEqual(expected);
  });
});
