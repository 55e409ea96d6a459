import { EventsClient, type LocalStage, makeFault, offer, startLocalStage } from '../testing/local-stage.ts';
import { generateSigningKey, type SigningKey, signParticipantToken } from '../tokens.ts';

const GRACE_MS = 200;

let stage: LocalStage;
const clients: EventsClient[] = [];

beforeEach(async () => {
  stage = await startLocalStage({ eventsGraceMs: GRACE_MS });
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.break();
  await stage.close();
});

function connect(token: string, options?: { traceId?: string; errorOverWs?: boolean }): EventsClient {
  const client = new EventsClient(stage, token, options);
  clients.push(client);
  return client;
}

/** A token made with a key pair whose public key was imported, as `exchangeToken` needs it. */
async function keyPairTokens(): Promise<(options: object) => Promise<string>> {
  const key = await generateSigningKey();
  const { publicKey } = await stage.call<{ publicKey: { arn: string } }>('ImportPublicKey', {
    publicKeyMaterial: key.publicKeyMaterial,
  });
  const imported: SigningKey = { ...key, arn: publicKey.arn };
  return async (options) => (await signParticipantToken(imported, tokenStage(), options)).token;
}

const tokenStage = () => ({
  arn: stage.arn,
  eventsUrl: `${stage.url.replace('http', 'ws')}/events`,
  whipUrl: `${stage.url}/whip`,
});

describe('an events socket', () => {
  test('is opened under the token as its subprotocol, and gets the state first', async () => {
    const { token, participantId } = await stage.token({ userId: 'alice', attributes: { seat: '1' } });
    const client = connect(token);
    expect(await client.stateOf(participantId)).toEqual([
      {
        id: participantId,
        userId: 'alice',
        attributes: { seat: '1' },
        isPublishing: false,
        audioMuted: false,
        videoStopped: false,
      },
    ]);
    expect(client.socket.protocol).toBe(token);
    expect(client.messages[0]).toMatchObject({ type: 'STAGE_STATE', payload: { stageId: stage.arn.split('/')[1] } });
  });

  test('gets a state with a higher number for each change', async () => {
    const [alice, bob] = [await stage.token(), await stage.token()];
    const first = connect(alice.token);
    await first.stateOf(alice.participantId);
    const second = connect(bob.token);
    await first.stateOf(alice.participantId, bob.participantId);
    second.send({ type: 'SET_STATE', version: '0', audioMuted: true, videoStopped: false });
    await first.next('STAGE_STATE', ({ payload }) => payload.participants[1]?.audioMuted === true);
    second.socket.close();
    await first.next('STAGE_STATE', ({ payload }) => payload.sequenceNumber > 3 && payload.participants.length === 1);
    const numbers = first.messages.flatMap((one) => (one.type === 'STAGE_STATE' ? [one.payload.sequenceNumber] : []));
    expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
  });

  test('answers PING with PONG, and overlooks what it does not know', async () => {
    const { token, participantId } = await stage.token();
    const client = connect(token);
    await client.stateOf(participantId);
    client.socket.send('not JSON');
    client.send({ type: 'TOMORROW' });
    client.send({ type: 'PING' });
    expect(await client.next('PONG')).toEqual({ type: 'PONG' });
  });

  test('is told why its participant was disconnected, and closes', async () => {
    const { token, participantId } = await stage.token();
    const client = connect(token);
    await client.stateOf(participantId);
    await stage.call('DisconnectParticipant', { stageArn: stage.arn, participantId, reason: 'rude' });
    expect(await client.next('aws:ivs:DISCONNECT')).toEqual({
      type: 'aws:ivs:DISCONNECT',
      payload: { code: 'PARTICIPANT_DISCONNECTED', reason: 'rude' },
    });
    expect(await client.closed).toBe(1_000);
  });

  test('is told when its stage was deleted', async () => {
    const { token, participantId } = await stage.token();
    const client = connect(token);
    await client.stateOf(participantId);
    await stage.call('DeleteStage', { arn: stage.arn });
    expect(await client.next('aws:ivs:DISCONNECT')).toMatchObject({ payload: { code: 'STAGE_DELETED' } });
  });
});

describe('a token', () => {
  test('is reused when another session opens a socket with it: the first is disconnected', async () => {
    const { token, participantId } = await stage.token();
    const first = connect(token, { traceId: 'first' });
    await first.stateOf(participantId);
    const second = connect(token, { traceId: 'second' });
    expect(await first.next('aws:ivs:DISCONNECT')).toMatchObject({ payload: { code: 'TOKEN_REUSED' } });
    await second.stateOf(participantId);
  });

  test('is not reused when the session that has it opens its socket again', async () => {
    const { token, participantId } = await stage.token();
    const first = connect(token, { traceId: 'same' });
    await first.stateOf(participantId);
    const again = connect(token, { traceId: 'same' });
    await again.stateOf(participantId);
    expect(await first.closed).toBe(1_006);
    expect(first.messages.filter(({ type }) => type === 'aws:ivs:DISCONNECT')).toEqual([]);
  });

  test('of a deleted stage, of a disconnected participant, expired or forged is refused over the socket', async () => {
    const other = await startLocalStage();
    const makeToken = await keyPairTokens();
    const forger = await generateSigningKey();
    const gone = await stage.call<{ stage: { arn: string }; participantTokens: { token: string }[] }>('CreateStage', {
      participantTokenConfigurations: [{}],
    });
    await stage.call('DeleteStage', { arn: gone.stage.arn });
    const out = await stage.token();
    await stage.call('DisconnectParticipant', { stageArn: stage.arn, participantId: out.participantId });
    const tokens = [
      gone.participantTokens[0]?.token ?? '',
      out.token,
      await makeToken({ issuedAt: new Date(0) }),
      (await signParticipantToken(forger, tokenStage())).token,
      (await other.token()).token,
      'nonsense',
    ];
    await other.close();
    const codes = await Promise.all(
      tokens.map(async (token) => (await connect(token).next('aws:ivs:JOIN_ERROR')).payload.code),
    );
    expect(codes).toEqual([
      'STAGE_DELETED',
      'PARTICIPANT_DISCONNECTED',
      'TOKEN_EXPIRED',
      'TOKEN_INVALID',
      'TOKEN_INVALID',
      'TOKEN_INVALID',
    ]);
  });

  test('is refused with an HTTP status where the client did not ask for errors over the socket', async () => {
    const client = connect('nonsense', { errorOverWs: false });
    const status = await new Promise((resolve) =>
      client.socket.on('unexpected-response', (_request, response) => resolve(response.statusCode)),
    );
    expect(status).toBe(401);
  });

  test('of a full stage is refused', async () => {
    await stage.close();
    stage = await startLocalStage({ limits: { participantsPerStage: 1 } });
    const [alice, bob] = [await stage.token(), await stage.token()];
    await connect(alice.token).stateOf(alice.participantId);
    expect(await connect(bob.token).next('aws:ivs:JOIN_ERROR')).toMatchObject({
      payload: { code: 'STAGE_AT_CAPACITY' },
    });
  });
});

describe('a participant', () => {
  test('is gone soon after its client closes the socket, with the media it left', async () => {
    const [alice, bob] = [await stage.token(), await stage.token()];
    const watcher = connect(alice.token);
    await watcher.stateOf(alice.participantId);
    const leaver = connect(bob.token);
    await leaver.next('STAGE_STATE');
    await offer(stage, '/whip', bob.token);
    await watcher.next('STAGE_STATE', ({ payload }) => payload.participants[1]?.isPublishing === true);
    leaver.socket.close();
    await watcher.next('STAGE_STATE', ({ payload }) => payload.sequenceNumber > 4 && payload.participants.length === 1);
    expect(stage.sfu.publications.map(({ state }) => state)).toEqual(['closed']);
  });

  test('stays for the grace when its socket breaks off, and is gone after it', async () => {
    const [alice, bob] = [await stage.token(), await stage.token()];
    const watcher = connect(alice.token);
    await watcher.stateOf(alice.participantId);
    const lost = connect(bob.token);
    await watcher.stateOf(alice.participantId, bob.participantId);
    const brokeAtMs = Date.now();
    lost.break();
    await watcher.next('STAGE_STATE', ({ payload }) => payload.sequenceNumber > 2 && payload.participants.length === 1);
    expect(Date.now() - brokeAtMs).toBeGreaterThanOrEqual(GRACE_MS - 10);
  });

  test('stays while its media flows, however long its socket is gone', async () => {
    const [alice, bob] = [await stage.token(), await stage.token()];
    const watcher = connect(alice.token);
    await watcher.stateOf(alice.participantId);
    const lost = connect(bob.token);
    await offer(stage, '/whip', bob.token);
    await watcher.next('STAGE_STATE', ({ payload }) => payload.participants[1]?.isPublishing === true);
    lost.break();
    const lostLater = connect((await stage.token()).token);
    await lostLater.next('STAGE_STATE');
    lostLater.break();
    await watcher.next('STAGE_STATE', ({ payload }) => payload.participants.length === 3);
    await watcher.next('STAGE_STATE', ({ payload }) => payload.sequenceNumber > 5 && payload.participants.length === 2);
    expect(stage.sfu.publications[0]?.state).toBe('connecting');
  });
});

describe('an exchanged token', () => {
  const exchange = (newToken: string) => ({
    type: 'aws:ivs:EXCHANGE_TOKEN',
    payload: { oldToken: 'old', newToken, requestId: 'r1', traceId: 't1' },
  });

  test('is taken when it is of the same participant, and what it says holds from then on', async () => {
    const makeToken = await keyPairTokens();
    const client = connect(await makeToken({ participantId: 'vp1', userId: 'before' }));
    await client.stateOf('vp1');
    await offer(stage, '/whip', await makeToken({ participantId: 'vp1' }));
    client.send(exchange(await makeToken({ participantId: 'vp1', userId: 'after', capabilities: ['SUBSCRIBE'] })));
    expect(await client.next('aws:ivs:EXCHANGE_TOKEN')).toEqual({
      type: 'aws:ivs:EXCHANGE_TOKEN',
      payload: { requestId: 'r1', traceId: 't1' },
    });
    await client.next('STAGE_STATE', ({ payload }) => payload.participants[0]?.userId === 'after');
    expect(stage.sfu.publications.map(({ state }) => state)).toEqual(['closed']);
  });

  test('is refused when it is of another participant, no token, or not made with a key pair', async () => {
    const makeToken = await keyPairTokens();
    const answerTo = async (oldToken: string, newToken: string) => {
      const client = connect(oldToken);
      await client.next('STAGE_STATE');
      client.send(exchange(newToken));
      return (await client.next('aws:ivs:EXCHANGE_TOKEN')).payload.error;
    };
    const issued = await stage.token();
    expect([
      await answerTo(await makeToken({ participantId: 'vp1' }), await makeToken({ participantId: 'vp2' })),
      await answerTo(await makeToken({ participantId: 'vp1' }), 'nonsense'),
      await answerTo(issued.token, issued.token),
    ]).toEqual([
      'The new token is of another stage, participant or address than the old one.',
      'The token is not a JSON Web Token.',
      'Only tokens made with a key pair can be exchanged.',
    ]);
  });
});

describe('the test control', () => {
  test('refuses, cuts, drops and delays a join', async () => {
    const { token, participantId } = await stage.token();
    await makeFault(stage, { participantId, step: 'join', action: 'refuse', code: 'STAGE_DELETED' });
    expect(await connect(token).next('aws:ivs:JOIN_ERROR')).toMatchObject({ payload: { code: 'STAGE_DELETED' } });
    await makeFault(stage, { participantId, step: 'join', action: 'cut' });
    expect(await connect(token).closed).toBe(1_006);
    await makeFault(stage, { participantId, step: 'join', action: 'drop' });
    const dropped = connect(token);
    await makeFault(stage, { participantId, step: 'join', action: 'delay', delayMs: 150 });
    const askedAtMs = Date.now();
    await connect(token).stateOf(participantId);
    expect(Date.now() - askedAtMs).toBeGreaterThanOrEqual(140);
    expect(dropped.messages).toEqual([]);
  });

  test('cuts and refuses an open socket', async () => {
    const { token, participantId } = await stage.token();
    const cut = connect(token);
    await cut.stateOf(participantId);
    await makeFault(stage, { participantId, step: 'events', action: 'cut' });
    expect(await cut.closed).toBe(1_006);
    const refused = connect(token);
    await refused.stateOf(participantId);
    await makeFault(stage, { participantId, step: 'events', action: 'refuse', code: 'TOKEN_REUSED' });
    expect(await refused.next('aws:ivs:DISCONNECT')).toMatchObject({ payload: { code: 'TOKEN_REUSED' } });
  });

  test('silences an open socket until it is healed, which then gets the present state', async () => {
    const { token, participantId } = await stage.token();
    const client = connect(token);
    await client.stateOf(participantId);
    await makeFault(stage, { participantId, step: 'events', action: 'drop' });
    client.send({ type: 'PING' });
    const other = await stage.token();
    await connect(other.token).stateOf(participantId, other.participantId);
    expect(client.messages.length).toBe(1);
    await fetch(`${stage.controlUrl}/faults?participantId=${participantId}`, { method: 'DELETE' });
    await client.stateOf(participantId, other.participantId);
    expect(client.messages.filter(({ type }) => type === 'PONG')).toEqual([]);
  });

  test('holds the messages of an open socket up', async () => {
    const { token, participantId } = await stage.token();
    const client = connect(token);
    await client.stateOf(participantId);
    await makeFault(stage, { participantId, step: 'events', action: 'delay', delayMs: 150 });
    const askedAtMs = Date.now();
    client.send({ type: 'PING' });
    await client.next('PONG');
    expect(Date.now() - askedAtMs).toBeGreaterThanOrEqual(140);
  });
});
