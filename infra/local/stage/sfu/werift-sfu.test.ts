import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readRtcp, writeKeyFrameRequest, writeNack, writeSenderReport } from './rtcp.ts';
import { type RtpPacket, writeRtpHeader } from './rtp.ts';
import type { ConnectionState, Publication, Sfu, Subscription } from './sfu.ts';
import { AEAD_AES_128_GCM, AES128_CM_HMAC_SHA1_80 } from './srtp.ts';
import { connectLightPeer, type LightPeer, type LightPeerOptions } from './testing/light-peer.ts';
import { createSfu } from './werift-sfu.ts';

const AUDIO = 111;
const VIDEO = 96;
const KEY_FRAME = Buffer.from([0x67, 0x42, 0, 31]);
const PICTURE = Buffer.from([0x41, 0x9a, 1, 2, 3]);

let sfu: Sfu;
const peers: LightPeer[] = [];

beforeEach(() => {
  sfu = createSfu();
});
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.close()));
  await sfu.close();
});

async function publish(options: Partial<LightPeerOptions> = {}) {
  const made: { publication?: Publication } = {};
  const peer = await connectLightPeer({
    direction: 'sendonly',
    async exchange(offerSdp) {
      made.publication = await sfu.publish(offerSdp);
      return made.publication.answerSdp;
    },
    ...options,
  });
  peers.push(peer);
  if (made.publication === undefined) throw new Error('publish: expected a publication');
  const { publication } = made;
  await until('the publication to connect', () => publication.state === 'connected');
  const sendVideo = (sequenceNumber: number, payload = PICTURE, ssrc = peer.ssrcs.video) =>
    peer.sendRtp(writeRtpHeader(VIDEO, true, sequenceNumber, sequenceNumber * 3_000, ssrc), payload);
  const sendAudio = (sequenceNumber: number) =>
    peer.sendRtp(writeRtpHeader(AUDIO, false, sequenceNumber, 0, peer.ssrcs.audio), Buffer.from('sound'));
  return { peer, publication, sendVideo, sendAudio };
}

async function subscribe(publication: Publication, options: Partial<LightPeerOptions> = {}) {
  const made: { subscription?: Subscription } = {};
  const peer = await connectLightPeer({
    direction: 'recvonly',
    async exchange(offerSdp) {
      made.subscription = await sfu.subscribe(publication, offerSdp);
      return made.subscription.answerSdp;
    },
    ...options,
  });
  peers.push(peer);
  const received: RtpPacket[] = [];
  peer.onRtp((packet) => received.push(packet));
  if (made.subscription === undefined) throw new Error('subscribe: expected a subscription');
  const { subscription } = made;
  await until('the subscription to connect', () => subscription.state === 'connected');
  return { peer, subscription, received };
}

async function until(what: string, isSo: () => boolean, timeoutMs = 3_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!isSo()) {
    if (performance.now() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Collects the feedback that a publisher gets, without its receiver reports. */
function collectFeedback(peer: LightPeer) {
  const feedback: unknown[] = [];
  peer.onRtcp((compound) => {
    feedback.push(...readRtcp(compound).filter(({ type }) => type !== 'receiver report'));
  });
  return feedback;
}

const sequenceNumbersOf = (packets: readonly RtpPacket[]) => packets.map(({ sequenceNumber }) => sequenceNumber);

describe('forwarding', () => {
  it.each([
    ['AES-GCM', AEAD_AES_128_GCM],
    ['AES-CM with HMAC-SHA1', AES128_CM_HMAC_SHA1_80],
  ] as const)('gives a subscriber the packets under its own SSRC, over %s', async (_name, profile) => {
    const { publication, sendVideo, sendAudio } = await publish({ srtpProfiles: [profile] });
    const { peer, received } = await subscribe(publication, { srtpProfiles: [profile] });
    sendVideo(65_535, KEY_FRAME);
    sendVideo(0);
    sendAudio(7);
    await until('three packets', () => received.length === 3);
    const common = { extension: Buffer.alloc(0) };
    const video = { ...common, payloadType: VIDEO, marker: true, ssrc: peer.ssrcs.video };
    expect({ profile: peer.srtpProfile, received, stats: publication.stats() }).toEqual({
      profile,
      received: [
        { ...video, sequenceNumber: 65_535, timestamp: 65_535 * 3_000, payload: KEY_FRAME },
        { ...video, sequenceNumber: 0, timestamp: 0, payload: PICTURE },
        {
          ...common,
          payloadType: AUDIO,
          marker: false,
          ssrc: peer.ssrcs.audio,
          sequenceNumber: 7,
          timestamp: 0,
          payload: Buffer.from('sound'),
        },
      ],
      stats: {
        audio: { packets: 1, bytes: 5 },
        video: { packets: 2, bytes: 9, frames: 2, codec: 'video/H264' },
      },
    });
  });

  it('passes a sender report on under the subscriber’s SSRC, also to one that connects later', async () => {
    const { peer: publisher, publication, sendVideo } = await publish();
    const first = await subscribe(publication);
    const heard: unknown[] = [];
    first.peer.onRtcp((compound) => heard.push(...readRtcp(compound)));
    sendVideo(1, KEY_FRAME);
    const ntp = { seconds: 5, fraction: 6 };
    publisher.sendRtcp(writeSenderReport(publisher.ssrcs.video, ntp, 3_000, { packets: 1, bytes: 4 }, 'light'));
    await until('the report', () => heard.length === 1);
    const heardLater: unknown[] = [];
    const later = await subscribe(publication, { onRtcp: (compound) => heardLater.push(...readRtcp(compound)) });
    await until('the report again', () => heardLater.length === 1);
    const report = { type: 'sender report', ntp, rtpTimestamp: 3_000 };
    expect({ heard, heardLater }).toEqual({
      heard: [{ ...report, ssrc: first.peer.ssrcs.video }],
      heardLater: [{ ...report, ssrc: later.peer.ssrcs.video }],
    });
  });

  it('forwards one layer of a simulcast, the one named hi', async () => {
    const { peer, publication } = await publish({ rids: ['low', 'mid', 'hi'] });
    const { received } = await subscribe(publication);
    const sendLayer = (rid: string, ssrc: number, sequenceNumber: number) => {
      const extension = Buffer.alloc(8);
      extension.writeUInt16BE(0xbede, 0);
      extension.writeUInt16BE(1, 2);
      extension.writeUInt8((10 << 4) | (rid.length - 1), 4);
      extension.write(rid, 5, 'latin1');
      const header = Buffer.concat([writeRtpHeader(VIDEO, true, sequenceNumber, 0, ssrc), extension]);
      header.writeUInt8(0x90, 0);
      peer.sendRtp(header, Buffer.concat([KEY_FRAME, Buffer.from(rid)]));
    };
    for (const [sequenceNumber, rid, ssrc] of [
      [10, 'hi', 3],
      [500, 'low', 1],
      [90, 'mid', 2],
      [11, 'hi', 3],
    ] as const) {
      sendLayer(rid, ssrc, sequenceNumber);
    }
    await until('two packets', () => received.length === 2);
    expect(received.map(({ payload }) => payload.toString('latin1', KEY_FRAME.length))).toEqual(['hi', 'hi']);
  });
});

describe('feedback', () => {
  it('reaches a publisher as a receiver report at least every 500 ms', async () => {
    const { peer, sendVideo } = await publish();
    const heardAt: number[] = [performance.now()];
    peer.onRtcp((compound) => {
      if (readRtcp(compound).some(({ type }) => type === 'receiver report')) heardAt.push(performance.now());
    });
    sendVideo(1);
    await until('four reports', () => heardAt.length === 5);
    const gaps = heardAt.slice(1).map((at, index) => at - (heardAt[index] ?? 0));
    expect(gaps.filter((gap) => gap > 500)).toEqual([]);
  });

  it('asks the publisher for a key frame when a subscriber connects, and when it asks', async () => {
    const { peer: publisher, publication, sendVideo } = await publish();
    const feedback = collectFeedback(publisher);
    sendVideo(1, KEY_FRAME);
    await until('the packet', () => publication.stats().video.packets === 1);
    const { peer } = await subscribe(publication);
    await until('the first request', () => feedback.length === 1);
    peer.sendRtcp(writeKeyFrameRequest(1, peer.ssrcs.video));
    await until('the second request', () => feedback.length === 2);
    const request = { type: 'key frame request', ssrcs: [publisher.ssrcs.video] };
    expect(feedback).toEqual([request, request]);
  });

  it('asks once for all key frames that are wanted within 100 ms', async () => {
    const { peer: publisher, publication, sendVideo } = await publish();
    sendVideo(1, KEY_FRAME);
    const { peer } = await subscribe(publication);
    const feedback = collectFeedback(publisher);
    for (let index = 0; index < 20; index += 1) peer.sendRtcp(writeKeyFrameRequest(1, peer.ssrcs.video));
    peer.sendRtcp(writeNack(1, peer.ssrcs.video, [9]));
    await until('the request that came last, and a key frame', () => feedback.length === 2);
    expect(feedback).toEqual(
      expect.arrayContaining([
        { type: 'nack', ssrc: publisher.ssrcs.video, sequenceNumbers: [9] },
        { type: 'key frame request', ssrcs: [publisher.ssrcs.video] },
      ]),
    );
  });

  it('sends a lost packet again to the subscriber that lost it, and asks the publisher for one it never had', async () => {
    const { peer: publisher, publication, sendVideo } = await publish();
    const [first, second] = [await subscribe(publication), await subscribe(publication)];
    const feedback: unknown[] = [];
    publisher.onRtcp((compound) => feedback.push(...readRtcp(compound).filter(({ type }) => type === 'nack')));
    sendVideo(1, KEY_FRAME);
    sendVideo(3);
    await until('two packets', () => first.received.length === 2);
    first.peer.sendRtcp(writeNack(1, first.peer.ssrcs.video, [1, 2]));
    await until('the request', () => feedback.length === 1);
    sendVideo(2);
    await until('the late packet', () => second.received.length === 3);
    expect({
      feedback,
      first: sequenceNumbersOf(first.received),
      second: sequenceNumbersOf(second.received),
    }).toEqual({
      feedback: [{ type: 'nack', ssrc: publisher.ssrcs.video, sequenceNumbers: [2] }],
      first: [1, 3, 1, 2],
      second: [1, 3, 2],
    });
  });
});

describe('the end of a peer connection', () => {
  it('that the stage closes is seen by the client, through DTLS', async () => {
    const { peer, publication } = await publish();
    const states: ConnectionState[] = [];
    publication.onStateChange((state) => states.push(state));
    publication.close();
    publication.close();
    await peer.ended;
    expect({ states, state: publication.state }).toEqual({ states: ['closed'], state: 'closed' });
  });

  it('that the client closes is seen by the stage, through DTLS', async () => {
    const { publication } = await publish();
    const { peer, subscription } = await subscribe(publication);
    await peer.end();
    await until('the subscription to close', () => subscription.state === 'closed', 1_000);
    expect(publication.state).toEqual('connected');
  });

  it('comes by itself when the client falls silent, and when it never comes', async () => {
    sfu = createSfu({ silenceLimitMs: 300 });
    const { peer, publication } = await publish();
    const { subscription } = await subscribe(publication);
    const unanswered = await sfu.publish(
      publication.answerSdp.replace('a=setup:passive', 'a=setup:actpass').replaceAll('recvonly', 'sendonly'),
    );
    await peer.close();
    await until('all to close', () => [publication, subscription, unanswered].every(({ state }) => state === 'closed'));
  });

  it('comes before any media when the client’s certificate is not the one that it offered', async () => {
    const states: ConnectionState[] = [];
    const other = Array.from({ length: 32 }, () => '00').join(':');
    const connecting = connectLightPeer({
      direction: 'sendonly',
      async exchange(offerSdp) {
        const publication = await sfu.publish(offerSdp.replace(/(a=fingerprint:sha-256) .*/g, `$1 ${other}`));
        publication.onStateChange((state) => states.push(state));
        return publication.answerSdp;
      },
    }).then((peer) => peers.push(peer));
    await until('the publication to close', () => states.length > 0);
    await connecting;
    expect(states).toEqual(['closed']);
  });

  it('leaves no socket and no timer behind, 30 times over', async () => {
    const { publication } = await publish();
    const resources = () => process.getActiveResourcesInfo().filter((type) => /UDP|Timeout/.test(type)).length;
    await until('the timers of earlier handshakes to end', () => resources() < 15);
    const before = resources();
    for (let index = 0; index < 30; index += 1) {
      const { peer, subscription } = await subscribe(publication);
      subscription.close();
      await peer.ended;
      await peer.close();
    }
    await until('all sockets and timers to end', () => resources() <= before);
  }, 20_000);

  it('of all comes with the end of the SFU, which then takes no more', async () => {
    const { peer: publisher, publication } = await publish();
    const { peer: subscriber, subscription } = await subscribe(publication);
    await sfu.close();
    await Promise.all([publisher.ended, subscriber.ended]);
    const { answerSdp } = subscription;
    await expect(sfu.publish(answerSdp.replaceAll('a=setup:passive', 'a=setup:actpass'))).rejects.toThrow(
      'SFU: closed',
    );
  });
});

describe('datagrams of no meaning', () => {
  it('do not disturb a peer connection, from its own client or from elsewhere', async () => {
    const { peer, publication, sendVideo } = await publish();
    const { received } = await subscribe(publication);
    const [, host = '', port = ''] = /^a=candidate:\S+ 1 udp \d+ (\S+) (\d+)/m.exec(publication.answerSdp) ?? [];
    const stranger = createSocket('udp4');
    for (let index = 0; index < 500; index += 1) {
      const datagram = randomBytes(1 + (index % 60));
      // STUN, DTLS, RTP and RTCP by turns.
      datagram.writeUInt8([0, 22, 128, 129][index % 4] ?? 0, 0);
      if (datagram.length > 1) datagram.writeUInt8([1, 254, 96, 201][index % 4] ?? 0, 1);
      peer.sendRaw(datagram);
      stranger.send(datagram, Number(port), host);
      // More at a time than fit the receive buffer would take the place of the packet below.
      if (index % 20 === 0) await new Promise(setImmediate);
    }
    sendVideo(1, KEY_FRAME);
    await until('the packet', () => received.length === 1);
    stranger.close();
    expect(publication.state).toEqual('connected');
  });
});

describe('a network that went dark', () => {
  it('loses every packet of a publisher, and gives the later ones when it is back', async () => {
    const { peer: publisher, publication, sendVideo } = await publish();
    const { received } = await subscribe(publication);
    const other = await publish();
    sendVideo(1, KEY_FRAME);
    await until('the first packet', () => received.length === 1);
    publication.setDark(true);
    const heard: string[] = [];
    other.peer.onRtcp(() => heard.push('lit'));
    // A report that was on its way when it went dark still arrives, before the next one does.
    await until('a report to the other publisher', () => heard.length === 1);
    publisher.onRtcp(() => heard.push('dark'));
    sendVideo(2);
    await until('two more of them', () => heard.length === 3);
    const whileDark = { heard: [...heard], received: sequenceNumbersOf(received), state: publication.state };
    publication.setDark(false);
    sendVideo(3);
    await until('a later packet', () => received.length === 2);
    expect({ whileDark, received: sequenceNumbersOf(received) }).toEqual({
      whileDark: { heard: ['lit', 'lit', 'lit'], received: [1], state: 'connected' },
      received: [1, 3],
    });
  });

  it('loses every packet to a subscriber, also after its sequence numbers went round', async () => {
    const { publication, sendVideo } = await publish();
    const [lit, dark] = [await subscribe(publication), await subscribe(publication)];
    sendVideo(65_000, KEY_FRAME);
    await until('the first packet', () => dark.received.length === 1);
    dark.subscription.setDark(true);
    sendVideo(65_400);
    sendVideo(200);
    await until('the packets at the other subscriber', () => lit.received.length === 3);
    dark.subscription.setDark(false);
    sendVideo(500);
    await until('a later packet', () => dark.received.length === 2);
    expect(sequenceNumbersOf(dark.received)).toEqual([65_000, 500]);
  });
});

describe('an offer', () => {
  it('to publish that sends nothing the stage takes is refused', async () => {
    const connecting = publish({ direction: 'recvonly' });
    await expect(connecting).rejects.toThrow(
      'offer: expected to be sent opus, or H264 with packetization-mode=1, with a=rtcp-mux',
    );
  });

  it('to subscribe that receives nothing is refused', async () => {
    const { publication } = await publish();
    await expect(subscribe(publication, { direction: 'sendonly' })).rejects.toThrow(
      'offer: expected to receive audio or video, as opus or as H264 with packetization-mode=1',
    );
  });

  it('cannot be followed by an ICE restart', async () => {
    const { publication } = await publish();
    await expect(publication.addCandidates('a=ice-ufrag:another\r\n')).rejects.toThrow(
      'a=ice-ufrag: expected that of the offer, as the stage does not restart ICE',
    );
  });
});
