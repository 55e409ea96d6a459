import { MAX_BODY_BYTES } from '../http.ts';
import { FAKE_OFFER } from '../testing/fake-sfu.ts';
import { EventsClient, type LocalStage, makeFault, offer, startLocalStage } from '../testing/local-stage.ts';

let stage: LocalStage;

beforeEach(async () => {
  stage = await startLocalStage();
});

afterEach(() => stage.close());

const publish = (token: string) => offer(stage, '/whip', token);
const locationOf = (response: Response) => response.headers.get('location') ?? '';
const codeOf = async (response: Response) => [response.status, ((await response.json()) as { code: string }).code];

describe('WHIP', () => {
  test('answers an offer with 201, the answer, and an address that a page may read', async () => {
    const { token, participantId } = await stage.token();
    const response = await offer(stage, `/whip/publish/${participantId}`, token, {
      headers: { 'content-type': 'application/sdp; charset=utf-8' },
    });
    expect({
      status: response.status,
      body: await response.text(),
      type: response.headers.get('content-type'),
      origin: response.headers.get('access-control-allow-origin'),
      exposed: response.headers.get('access-control-expose-headers'),
      link: response.headers.get('link'),
    }).toEqual({
      status: 201,
      body: 'v=0\r\ns=answer\r\n',
      type: 'application/sdp',
      origin: '*',
      exposed: 'location',
      link: null,
    });
    expect(locationOf(response)).toMatch(new RegExp(`^${stage.url}/whip/resource/[0-9a-f-]{36}$`));
  });

  test('lets a page of any origin ask first', async () => {
    const response = await fetch(`${stage.url}/whip/publish/a`, { method: 'OPTIONS' });
    expect([response.status, response.headers.get('access-control-allow-headers')]).toEqual([
      204,
      '*, authorization, content-type',
    ]);
  });

  test('makes a publisher with no events socket a participant, as long as it publishes', async () => {
    const [viewer, encoder] = [await stage.token(), await stage.token({ userId: 'obs' })];
    const events = new EventsClient(stage, viewer.token);
    await events.stateOf(viewer.participantId);
    const response = await publish(encoder.token);
    const { payload } = await events.next(
      'STAGE_STATE',
      ({ payload }) => payload.participants[1]?.isPublishing === true,
    );
    expect(payload.participants[1]).toMatchObject({ id: encoder.participantId, userId: 'obs' });
    expect((await offer(stage, locationOf(response), encoder.token, { method: 'DELETE' })).status).toBe(200);
    await events.next(
      'STAGE_STATE',
      ({ payload: later }) => later.sequenceNumber > payload.sequenceNumber && later.participants.length === 1,
    );
    expect(stage.sfu.publications.map(({ state }) => state)).toEqual(['closed']);
    events.break();
  });

  test('hands trickled candidates to the peer connection', async () => {
    const { token } = await stage.token();
    const response = await offer(stage, locationOf(await publish(token)), token, {
      method: 'PATCH',
      body: 'a=candidate:1',
      headers: { 'content-type': 'application/trickle-ice-sdpfrag' },
    });
    expect([response.status, stage.sfu.publications[0]?.candidates]).toEqual([204, ['a=candidate:1']]);
  });

  test('takes a DELETE of what has just ended as done', async () => {
    const { token } = await stage.token();
    const location = locationOf(await publish(token));
    stage.sfu.publications[0]?.close();
    expect((await offer(stage, location, token, { method: 'DELETE' })).status).toBe(200);
  });

  test('ends the publication that a participant has when it publishes again', async () => {
    const { token } = await stage.token();
    await publish(token);
    await publish(token);
    expect(stage.sfu.publications.map(({ state }) => state)).toEqual(['closed', 'connecting']);
  });

  test('ends the media of a participant that is disconnected', async () => {
    const { token, participantId } = await stage.token();
    await publish(token);
    await stage.call('DisconnectParticipant', { stageArn: stage.arn, participantId });
    expect(stage.sfu.publications.map(({ state }) => state)).toEqual(['closed']);
    expect(await codeOf(await publish(token))).toEqual([410, 'PARTICIPANT_DISCONNECTED']);
  });

  test('takes no more publishers than the stage may have', async () => {
    await stage.close();
    stage = await startLocalStage({ limits: { publishersPerStage: 1 } });
    const tokens = await Promise.all([1, 2, 3].map(async () => (await stage.token()).token));
    const responses = await Promise.all(tokens.map(publish));
    expect(responses.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
    const publisher = tokens[responses.findIndex(({ status }) => status === 201)] ?? '';
    expect((await publish(publisher)).status).toBe(201);
    expect(stage.sfu.publications.filter(({ state }) => state !== 'closed').length).toBe(1);
  });

  test('says by status and code what is wrong with a request', async () => {
    const { token, participantId } = await stage.token();
    const mute = await stage.token({ capabilities: ['SUBSCRIBE'] });
    const gone = await stage.call<{ stage: { arn: string }; participantTokens: { token: string }[] }>('CreateStage', {
      participantTokenConfigurations: [{}],
    });
    await stage.call('DeleteStage', { arn: gone.stage.arn });
    const refusals = await Promise.all(
      [
        offer(stage, '/whip', 'nonsense'),
        offer(stage, '/whip', token, { headers: { authorization: 'Basic YTpi' } }),
        offer(stage, '/whip', mute.token),
        offer(stage, '/whip', gone.participantTokens[0]?.token ?? ''),
        offer(stage, '/whip/publish/another', token),
        offer(stage, '/whip', token, { body: 'hello' }),
        offer(stage, '/whip', token, { headers: { 'content-type': 'text/plain' } }),
        offer(stage, '/whip', token, { body: FAKE_OFFER.padEnd(MAX_BODY_BYTES + 1) }),
        offer(stage, `/whep/${participantId}`, token),
        offer(stage, '/whip/resource/nothing', token, { method: 'DELETE' }),
        offer(stage, '/whip/elsewhere/else', token),
        offer(stage, '/whip', token, { method: 'PUT' }),
      ].map(async (response) => codeOf(await response)),
    );
    expect(refusals).toEqual([
      [401, 'TOKEN_INVALID'],
      [401, 'TOKEN_INVALID'],
      [403, 'TOKEN_NOT_ALLOWED'],
      [410, 'STAGE_DELETED'],
      [403, 'NOT_YOURS'],
      [400, 'BAD_OFFER'],
      [415, 'UNSUPPORTED_MEDIA_TYPE'],
      [413, 'TOO_LARGE'],
      [404, 'PUBLISHER_NOT_FOUND'],
      [404, 'NOT_FOUND'],
      [404, 'NOT_FOUND'],
      [405, 'METHOD_NOT_ALLOWED'],
    ]);
  });

  test("does not let one participant end another's peer connection", async () => {
    const [mine, theirs] = [await stage.token(), await stage.token()];
    const location = locationOf(await publish(theirs.token));
    expect(await codeOf(await offer(stage, location, mine.token, { method: 'DELETE' }))).toEqual([404, 'NOT_FOUND']);
  });
});

describe('WHEP', () => {
  test.each(['/whep/', '/whip/subscribe/'])('subscribes at %s to the publication of a participant', async (path) => {
    const [publisher, viewer] = [await stage.token(), await stage.token({ capabilities: ['SUBSCRIBE'] })];
    await publish(publisher.token);
    const response = await offer(stage, `${path}${publisher.participantId}`, viewer.token);
    expect(response.status).toBe(201);
    expect(stage.sfu.subscriptions[0]?.publication).toBe(stage.sfu.publications[0]);
  });

  test('ends with the publication that it watches', async () => {
    const [publisher, viewer] = [await stage.token(), await stage.token()];
    await publish(publisher.token);
    await offer(stage, `/whep/${publisher.participantId}`, viewer.token);
    stage.sfu.publications[0]?.close();
    expect(stage.sfu.subscriptions.map(({ state }) => state)).toEqual(['closed']);
  });

  test('is refused without the capability', async () => {
    const [publisher, viewer] = [await stage.token(), await stage.token({ capabilities: ['PUBLISH'] })];
    await publish(publisher.token);
    const response = await offer(stage, `/whep/${publisher.participantId}`, viewer.token);
    expect(await codeOf(response)).toEqual([403, 'TOKEN_NOT_ALLOWED']);
  });
});

describe('the test control', () => {
  test('refuses, cuts and delays an offer', async () => {
    const { token, participantId } = await stage.token();
    const fault = { participantId, step: 'offer' };
    await makeFault(stage, { ...fault, action: 'refuse', status: 503, code: 'BUSY' });
    expect(await codeOf(await publish(token))).toEqual([503, 'BUSY']);
    await makeFault(stage, { ...fault, action: 'cut' });
    await expect(publish(token)).rejects.toThrow('fetch failed');
    await makeFault(stage, { ...fault, action: 'delay', delayMs: 150 });
    const askedAtMs = Date.now();
    expect((await publish(token)).status).toBe(201);
    expect(Date.now() - askedAtMs).toBeGreaterThanOrEqual(140);
  });

  test('lets nobody on the stage whose client has gone while its offer was held', async () => {
    const [gone, held, other] = [await stage.token(), await stage.token(), await stage.token()];
    await makeFault(stage, { participantId: gone.participantId, step: 'offer', action: 'delay', delayMs: 150 });
    await makeFault(stage, { participantId: held.participantId, step: 'offer', action: 'delay', delayMs: 300 });
    const heldOffer = publish(held.token);
    const goneOffer = fetch(`${stage.url}/whip`, {
      method: 'POST',
      body: FAKE_OFFER,
      headers: { authorization: `Bearer ${gone.token}`, 'content-type': 'application/sdp' },
      signal: AbortSignal.timeout(50),
    });
    await expect(goneOffer).rejects.toThrow('aborted due to timeout');
    expect((await heldOffer).status).toBe(201);
    const client = new EventsClient(stage, other.token);
    const present = (await client.next('STAGE_STATE')).payload.participants.map(({ id }) => id);
    expect([present.includes(held.participantId), present.includes(gone.participantId)]).toEqual([true, false]);
    client.socket.close();
    await client.closed;
  });

  test('leaves an offer without an answer, of one direction only', async () => {
    const { token, participantId } = await stage.token();
    await makeFault(stage, { participantId, step: 'offer', action: 'drop', direction: 'publish' });
    expect((await offer(stage, `/whep/${participantId}`, token)).status).toBe(404);
    const dropped = fetch(`${stage.url}/whip`, {
      method: 'POST',
      body: FAKE_OFFER,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/sdp' },
      signal: AbortSignal.timeout(200),
    });
    await expect(dropped).rejects.toThrow('aborted due to timeout');
  });

  test('darkens a peer connection until it is healed, and cuts it', async () => {
    const { token, participantId } = await stage.token();
    await publish(token);
    const [publication] = stage.sfu.publications;
    publication?.connect();
    await makeFault(stage, { participantId, step: 'media', action: 'drop' });
    expect(publication?.isDark).toBe(true);
    await fetch(`${stage.controlUrl}/faults`, { method: 'DELETE' });
    expect(publication?.isDark).toBe(false);
    await makeFault(stage, { participantId, step: 'media', action: 'cut' });
    expect(publication?.state).toBe('closed');
  });

  test('cuts the next peer connection of anybody once it is connected', async () => {
    const { token } = await stage.token();
    await makeFault(stage, { participantId: '*', step: 'media', action: 'cut' });
    await publish(token);
    const [publication] = stage.sfu.publications;
    expect(publication?.state).toBe('connecting');
    publication?.connect();
    expect(publication?.state).toBe('closed');
  });
});
