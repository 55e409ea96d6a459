import '../../quiet-aws-sdk.ts';
import {
  CreateParticipantTokenCommand,
  CreateStageCommand,
  DeletePublicKeyCommand,
  DeleteStageCommand,
  DisconnectParticipantCommand,
  GetParticipantCommand,
  GetPublicKeyCommand,
  GetStageCommand,
  ImportPublicKeyCommand,
  IVSRealTimeClient,
  ListParticipantsCommand,
  ListPublicKeysCommand,
  ListStageSessionsCommand,
  ListStagesCommand,
  paginateListStages,
  StartCompositionCommand,
} from '@aws-sdk/client-ivs-realtime';
import { decodeJwt } from 'jose';
import { EventsClient, type LocalStage, offer, startLocalStage } from '../testing/local-stage.ts';
import { generateSigningKey, signParticipantToken } from '../tokens.ts';

let stage: LocalStage;
let sdk: IVSRealTimeClient;

beforeEach(async () => {
  stage = await startLocalStage({ sessionLingerMs: 20 });
  sdk = new IVSRealTimeClient({
    endpoint: stage.url,
    region: 'us-west-2',
    credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
  });
});

afterEach(async () => {
  sdk.destroy();
  await stage.close();
});

const UNKNOWN_STAGE = 'arn:aws:ivs:us-west-2:123456789012:stage/unknown';
const UNKNOWN_KEY = 'arn:aws:ivs:us-west-2:123456789012:public-key/unknown';

/** What an operation failed with, without what the SDK adds. */
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => 'no failure',
    ({ name, exceptionMessage, $metadata }) => ({ name, exceptionMessage, status: $metadata.httpStatusCode }),
  );

describe('the stage operations', () => {
  test('create a stage with tokens, describe it, list it and delete it', async () => {
    const created = await sdk.send(
      new CreateStageCommand({
        name: 'watch-party',
        tags: { team: 'vp' },
        participantTokenConfigurations: [{ userId: 'alice', duration: 5, capabilities: ['SUBSCRIBE'] }, {}],
      }),
    );
    const arn = created.stage?.arn ?? '';
    expect(created.stage).toEqual({
      arn: expect.stringMatching(/^arn:aws:ivs:us-west-2:123456789012:stage\/[a-zA-Z0-9]{12}$/),
      name: 'watch-party',
      tags: { team: 'vp' },
      endpoints: { events: `${stage.url.replace('http', 'ws')}/events`, whip: `${stage.url}/whip` },
    });
    const [alice, anyone] = created.participantTokens ?? [];
    expect(alice).toEqual({
      participantId: expect.stringMatching(/^[a-zA-Z0-9]{12}$/),
      token: expect.any(String),
      userId: 'alice',
      attributes: {},
      duration: 5,
      capabilities: ['SUBSCRIBE'],
      expirationTime: new Date((decodeJwt(alice?.token ?? '').exp ?? 0) * 1_000),
    });
    expect(anyone).toMatchObject({ userId: '', duration: 720, capabilities: ['PUBLISH', 'SUBSCRIBE'] });
    expect((await sdk.send(new GetStageCommand({ arn }))).stage).toEqual(created.stage);
    expect((await sdk.send(new ListStagesCommand({}))).stages).toEqual([
      { arn, name: 'watch-party', tags: { team: 'vp' } },
      { arn: stage.arn, name: 'test', tags: {} },
    ]);
    await sdk.send(new DeleteStageCommand({ arn }));
    expect(await failure(sdk.send(new GetStageCommand({ arn })))).toEqual({
      name: 'ResourceNotFoundException',
      exceptionMessage: `There is no stage ${arn}.`,
      status: 404,
    });
  });

  test('give every stage once when they are listed by pages', async () => {
    for (const name of ['b', 'c', 'd']) await sdk.send(new CreateStageCommand({ name }));
    const names: (string | undefined)[] = [];
    for await (const page of paginateListStages({ client: sdk, pageSize: 3 }, {})) {
      names.push(...(page.stages ?? []).map(({ name }) => name));
    }
    expect(names).toEqual(['d', 'c', 'b', 'test']);
  });

  test('create no more stages than the quota allows', async () => {
    await stage.close();
    stage = await startLocalStage({ limits: { stages: 1 } });
    const client = new IVSRealTimeClient({
      endpoint: stage.url,
      region: 'us-west-2',
      credentials: { accessKeyId: 'any', secretAccessKey: 'any' },
    });
    expect(await failure(client.send(new CreateStageCommand({})))).toEqual({
      name: 'ServiceQuotaExceededException',
      exceptionMessage: 'There are 1 stages, which is the limit.',
      status: 402,
    });
    client.destroy();
  });

  test('record nothing: a storage configuration is one that does not exist', async () => {
    const storageConfigurationArn = 'arn:aws:ivs:us-west-2:123456789012:storage-configuration/one';
    const command = new CreateStageCommand({ autoParticipantRecordingConfiguration: { storageConfigurationArn } });
    expect(await failure(sdk.send(command))).toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

describe('CreateParticipantToken', () => {
  test('makes a token that its bearer joins with as what was asked for', async () => {
    const asked = { userId: 'alice', attributes: { seat: '1' }, duration: 20_160 };
    const { participantToken } = await sdk.send(new CreateParticipantTokenCommand({ stageArn: stage.arn, ...asked }));
    expect(participantToken).toMatchObject({ ...asked, capabilities: ['PUBLISH', 'SUBSCRIBE'] });
    const client = new EventsClient(stage, participantToken?.token ?? '');
    expect(await client.stateOf(participantToken?.participantId ?? '')).toMatchObject([
      { userId: 'alice', attributes: { seat: '1' } },
    ]);
    client.break();
  });
});

describe('the session operations', () => {
  test('tell who was on the stage, and who still is', async () => {
    const [alice, bob] = [await stage.token({ userId: 'alice' }), await stage.token({ userId: 'bob' })];
    const events = new EventsClient(stage, alice.token);
    await events.next('STAGE_STATE');
    const published = await offer(stage, '/whip', bob.token, {
      headers: {
        'x-stages-sdk': '1.41.0',
        'user-agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/150.0.0.0 Safari/537',
      },
    });
    await offer(stage, published.headers.get('location') ?? '', bob.token, { method: 'DELETE' });
    const sessions = await sdk.send(new ListStageSessionsCommand({ stageArn: stage.arn }));
    const sessionId = sessions.stageSessions?.[0]?.sessionId ?? '';
    expect(sessions.stageSessions).toEqual([
      { sessionId: expect.stringMatching(/^st-[a-zA-Z0-9]{13}$/), startTime: expect.any(Date) },
    ]);
    expect((await sdk.send(new GetStageCommand({ arn: stage.arn }))).stage?.activeSessionId).toBe(sessionId);

    const list = async (filter: object) => {
      const command = new ListParticipantsCommand({ stageArn: stage.arn, sessionId, ...filter });
      return (await sdk.send(command)).participants?.map(({ userId }) => userId);
    };
    expect({
      all: await list({}),
      connected: await list({ filterByState: 'CONNECTED' }),
      published: await list({ filterByPublished: true }),
      unpublished: await list({ filterByPublished: false }),
      alice: await list({ filterByUserId: 'alice' }),
      recorded: await list({ filterByRecordingState: 'ACTIVE' }),
    }).toEqual({
      all: ['alice', 'bob'],
      connected: ['alice'],
      published: ['bob'],
      unpublished: ['alice'],
      alice: ['alice'],
      recorded: [],
    });
    const found = await sdk.send(
      new GetParticipantCommand({ stageArn: stage.arn, sessionId, participantId: bob.participantId }),
    );
    expect(found.participant).toEqual({
      participantId: bob.participantId,
      userId: 'bob',
      attributes: {},
      state: 'DISCONNECTED',
      firstJoinTime: expect.any(Date),
      published: true,
      protocol: 'WHIP',
      sdkVersion: '1.41.0',
      browserName: 'Chrome',
      browserVersion: '150.0.0.0',
      osName: 'Linux',
      recordingState: 'DISABLED',
      recordingS3BucketName: '',
      recordingS3Prefix: '',
      replicationType: 'NONE',
    });
    events.break();
  });

  test('know nothing of other sessions and participants', async () => {
    const sessionId = 'st-1234567890123';
    expect(await failure(sdk.send(new ListParticipantsCommand({ stageArn: stage.arn, sessionId })))).toMatchObject({
      name: 'ResourceNotFoundException',
      status: 404,
    });
    const { token } = await stage.token();
    await offer(stage, '/whip', token);
    const active = (await sdk.send(new GetStageCommand({ arn: stage.arn }))).stage?.activeSessionId ?? '';
    const command = new GetParticipantCommand({ stageArn: stage.arn, sessionId: active, participantId: 'nobody' });
    expect(await failure(sdk.send(command))).toMatchObject({ name: 'ResourceNotFoundException' });
  });
});

describe('the public key operations', () => {
  test('import a key whose tokens are good, until it is deleted', async () => {
    const key = await generateSigningKey();
    const { publicKeyMaterial } = key;
    const { publicKey } = await sdk.send(new ImportPublicKeyCommand({ publicKeyMaterial, name: 'mine' }));
    const arn = publicKey?.arn ?? '';
    expect(publicKey).toEqual({
      arn: expect.stringMatching(/^arn:aws:ivs:us-west-2:123456789012:public-key\/[a-zA-Z0-9]{12}$/),
      name: 'mine',
      publicKeyMaterial,
      fingerprint: expect.stringMatching(/^([0-9a-f]{2}:){15}[0-9a-f]{2}$/),
      tags: {},
    });
    expect((await sdk.send(new GetPublicKeyCommand({ arn }))).publicKey).toEqual(publicKey);
    const endpoints = (await sdk.send(new GetStageCommand({ arn: stage.arn }))).stage?.endpoints;
    const signed = await signParticipantToken(
      { ...key, arn },
      { arn: stage.arn, eventsUrl: endpoints?.events ?? '', whipUrl: endpoints?.whip ?? '' },
    );
    expect((await offer(stage, '/whip', signed.token)).status).toBe(201);
    await sdk.send(new DeletePublicKeyCommand({ arn }));
    expect((await offer(stage, '/whip', signed.token)).status).toBe(401);
    expect(stage.sfu.publications.map(({ state }) => state)).toEqual(['connecting']);
  });

  test('take a key once, of the right curve, and no more of them than the quota', async () => {
    const importKey = (publicKeyMaterial: string) => sdk.send(new ImportPublicKeyCommand({ publicKeyMaterial }));
    const keys = await Promise.all([1, 2, 3, 4].map(() => generateSigningKey()));
    const [first, second, third, fourth] = keys.map(({ publicKeyMaterial }) => publicKeyMaterial);
    await importKey(first ?? '');
    const p256 = [
      '-----BEGIN PUBLIC KEY-----',
      'MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9',
      'q9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==',
      '-----END PUBLIC KEY-----',
      '',
    ].join('\n');
    expect([
      await failure(importKey(first ?? '')),
      await failure(importKey(p256)),
      await failure(importKey('a key')),
    ]).toMatchObject([
      { name: 'ConflictException', status: 409 },
      { name: 'ValidationException', exceptionMessage: expect.stringContaining('P-384') },
      { name: 'ValidationException', exceptionMessage: expect.stringMatching(/^publicKeyMaterial: /) },
    ]);
    await importKey(second ?? '');
    await importKey(third ?? '');
    const listed = await sdk.send(new ListPublicKeysCommand({}));
    expect(listed.publicKeys).toEqual(Array(3).fill({ arn: expect.any(String), name: '', tags: {} }));
    expect(await failure(importKey(fourth ?? ''))).toMatchObject({ name: 'ServiceQuotaExceededException' });
  });
});

describe('a request', () => {
  test.each([
    ['GetStage', new GetStageCommand({ arn: UNKNOWN_STAGE })],
    ['DeleteStage', new DeleteStageCommand({ arn: UNKNOWN_STAGE })],
    ['CreateParticipantToken', new CreateParticipantTokenCommand({ stageArn: UNKNOWN_STAGE })],
    ['DisconnectParticipant', new DisconnectParticipantCommand({ stageArn: UNKNOWN_STAGE, participantId: 'a' })],
    ['ListStageSessions', new ListStageSessionsCommand({ stageArn: UNKNOWN_STAGE })],
    ['GetPublicKey', new GetPublicKeyCommand({ arn: UNKNOWN_KEY })],
    ['DeletePublicKey', new DeletePublicKeyCommand({ arn: UNKNOWN_KEY })],
  ])('of %s for what there is not is a ResourceNotFoundException', async (_name, command) => {
    // The overloads of `send` are one for each command; that a command of this list is one of them they cannot see.
    expect(await failure(sdk.send(command as GetStageCommand))).toMatchObject({
      name: 'ResourceNotFoundException',
      status: 404,
    });
  });

  test.each([
    ['CreateStage', { name: 'no spaces' }, /^name: /],
    ['CreateStage', { name: 'n'.repeat(129) }, /^name: /],
    ['CreateStage', { tags: { ['k'.repeat(129)]: '' } }, /^tags/],
    ['CreateStage', { participantTokenConfigurations: Array(13).fill({}) }, /^participantTokenConfigurations: /],
    [
      'CreateStage',
      { participantTokenConfigurations: [{ duration: 0 }] },
      /^participantTokenConfigurations.0.duration: /,
    ],
    ['CreateParticipantToken', {}, /^stageArn: /],
    ['CreateParticipantToken', { stageArn: 'arn:aws:s3:::bucket' }, /^stageArn: /],
    ['CreateParticipantToken', { stageArn: UNKNOWN_STAGE, duration: 20_161 }, /^duration: /],
    ['CreateParticipantToken', { stageArn: UNKNOWN_STAGE, duration: 1.5 }, /^duration: /],
    ['CreateParticipantToken', { stageArn: UNKNOWN_STAGE, userId: 'u'.repeat(129) }, /^userId: /],
    [
      'CreateParticipantToken',
      { stageArn: UNKNOWN_STAGE, attributes: { a: 'é'.repeat(512) } },
      /^attributes: .*1024 bytes/,
    ],
    ['CreateParticipantToken', { stageArn: UNKNOWN_STAGE, attributes: { a: 1 } }, /^attributes.a: /],
    ['CreateParticipantToken', { stageArn: UNKNOWN_STAGE, capabilities: ['FLY'] }, /^capabilities.0: /],
    ['DisconnectParticipant', { stageArn: UNKNOWN_STAGE, participantId: 'a b' }, /^participantId: /],
    ['DisconnectParticipant', { stageArn: UNKNOWN_STAGE, participantId: 'a', reason: 'r'.repeat(129) }, /^reason: /],
    ['ListStages', { maxResults: 101 }, /^maxResults: /],
    ['ListStages', { maxResults: 0 }, /^maxResults: /],
    ['ListStages', { nextToken: 'not ours' }, /^nextToken: /],
    ['ListParticipants', { stageArn: UNKNOWN_STAGE, sessionId: 'st-short' }, /^sessionId: /],
    [
      'ListParticipants',
      { stageArn: UNKNOWN_STAGE, sessionId: 'st-1234567890123', filterByPublished: true, filterByState: 'CONNECTED' },
      /^request: Expected at most one of filterByUserId/,
    ],
    ['GetPublicKey', { arn: UNKNOWN_STAGE }, /^arn: /],
  ])('of %s with %j is a ValidationException that names the field', async (operation, request, message) => {
    const response = await fetch(`${stage.url}/${operation}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    });
    expect([response.status, response.headers.get('x-amzn-errortype'), await response.json()]).toEqual([
      400,
      'ValidationException',
      { exceptionMessage: expect.stringMatching(message) },
    ]);
  });

  test('with the largest attributes that are allowed is taken', async () => {
    const attributes = { a: 'é'.repeat(511), b: '' };
    const { participantToken } = await sdk.send(new CreateParticipantTokenCommand({ stageArn: stage.arn, attributes }));
    expect(participantToken?.attributes).toEqual(attributes);
  });

  test('for an operation that the local stage has not says so, and is not repeated', async () => {
    const command = new StartCompositionCommand({ stageArn: stage.arn, destinations: [] });
    const error = await sdk.send(command).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      name: 'NotImplementedException',
      $metadata: { httpStatusCode: 501, attempts: 1 },
    });
  });

  test('that is not JSON is refused, as a form that a page of another site posts', async () => {
    const response = await fetch(`${stage.url}/DeleteStage`, {
      method: 'POST',
      body: JSON.stringify({ arn: stage.arn }),
    });
    expect([response.status, await response.json()]).toEqual([
      400,
      { exceptionMessage: 'Expected the header Content-Type: application/json.' },
    ]);
  });
});
