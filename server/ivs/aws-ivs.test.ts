import { generateKeyPairSync } from 'node:crypto';
import { decodeProtectedHeader, jwtVerify } from 'jose';
import { FAILURES } from '../../machines/failures.ts';
import { FailureError } from '../../machines/participant.ts';
import { type AwsIvsOptions, createAwsIvs } from './aws-ivs.ts';
import type { Ivs, TokenRequest } from './ivs.ts';
import { type ScriptedAnswer, type ScriptedApi, startScriptedApi } from './testing/scripted-api.ts';

const HOME = 'arn:aws:ivs:eu-west-1:123456789012';
const ARN = `${HOME}:stage/abcdEFGH1234`;
const REQUEST: TokenRequest = { stageArn: ARN, userId: 'ada', attributes: { role: 'host' }, vpId: 'vp-1' };
const ENDPOINTS = { events: 'wss://events.example', whip: 'https://whip.example' };
const TOKEN: ScriptedAnswer = { body: { participantToken: { token: 'opaque', participantId: 'p1' } } };
const STAGE: ScriptedAnswer = { body: { stage: { arn: ARN, endpoints: ENDPOINTS } } };

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const KEY = { publicKeyArn: `${HOME}:public-key/key1`, privateKey };
const never = new AbortController().signal;

async function failureOf(call: Promise<unknown>) {
  const error = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof FailureError ? error.failure : error;
}

describe('createAwsIvs', () => {
  let api: ScriptedApi;
  const started: Ivs[] = [];
  const ivsWith = (options?: AwsIvsOptions) => {
    const ivs = createAwsIvs(options);
    started.push(ivs);
    return ivs;
  };

  beforeEach(async () => {
    api = await startScriptedApi();
    process.env['AWS_ENDPOINT_URL_IVS_REALTIME'] = api.url;
    process.env['AWS_ACCESS_KEY_ID'] = 'id';
    process.env['AWS_SECRET_ACCESS_KEY'] = 'key';
  });
  afterEach(async () => {
    for (const ivs of started.splice(0)) ivs.close();
    await api.close();
  });

  describe('prepareToken without a key pair', () => {
    it('asks IVS, in the region of the stage, for a token of 25 hours that may publish', async () => {
      api.answers = { CreateParticipantToken: [TOKEN] };
      expect(await ivsWith().prepareToken(REQUEST, never)).toEqual({
        participantToken: 'opaque',
        participantId: 'p1',
      });
      expect(api.requests).toEqual([
        {
          operation: 'CreateParticipantToken',
          region: 'eu-west-1',
          body: {
            stageArn: ARN,
            duration: 1_500,
            userId: 'ada',
            attributes: { role: 'host' },
            capabilities: ['PUBLISH'],
          },
        },
      ]);
    });

    it('takes the id of the virtual participant for the user where none is given', async () => {
      api.answers = { CreateParticipantToken: [TOKEN] };
      await ivsWith().prepareToken({ ...REQUEST, userId: null }, never);
      expect(api.requests[0]?.body).toMatchObject({ userId: 'vp-1' });
    });

    it('uses one connection for calls that follow each other', async () => {
      api.answers = { CreateParticipantToken: [TOKEN] };
      const ivs = ivsWith();
      await ivs.prepareToken(REQUEST, never);
      await ivs.prepareToken(REQUEST, never);
      await ivs.disconnect({ stageArn: ARN, participantId: 'p1', reason: '' }, never);
      expect(api.connections()).toBe(1);
    });

    it('tries again where IVS fails or the connection breaks off', async () => {
      api.answers = { CreateParticipantToken: [{ status: 500 }, { instead: 'cut' }, TOKEN] };
      expect(await ivsWith().prepareToken(REQUEST, never)).toEqual({
        participantToken: 'opaque',
        participantId: 'p1',
      });
      expect(api.requests.length).toBe(3);
    });
  });

  describe('prepareToken with a key pair', () => {
    it('signs a token as IVS describes it', async () => {
      api.answers = { GetStage: [STAGE] };
      const { participantToken, participantId } = await ivsWith({ stageKeyPair: KEY }).prepareToken(REQUEST, never);
      const { payload } = await jwtVerify(participantToken, publicKey);
      expect(decodeProtectedHeader(participantToken)).toEqual({
        alg: 'ES384',
        typ: 'JWT',
        kid: `${HOME}:public-key/key1`,
      });
      expect(payload).toEqual({
        resource: ARN,
        topic: 'abcdEFGH1234',
        events_url: ENDPOINTS.events,
        whip_url: ENDPOINTS.whip,
        user_id: 'ada',
        attributes: { role: 'host' },
        capabilities: { allow_publish: true, allow_subscribe: false },
        version: '1.0',
        jti: participantId,
        iat: expect.any(Number),
        exp: (payload.iat ?? 0) + 25 * 60 * 60,
      });
      expect(participantId).toMatch(/^[A-Za-z0-9_-]{1,64}$/);
    });

    it('asks IVS for the endpoints of a stage once a day, and gives each invite another participant', async () => {
      api.answers = { GetStage: [STAGE] };
      let nowMs = 0;
      const ivs = ivsWith({ stageKeyPair: KEY, now: () => nowMs });
      const first = await ivs.prepareToken(REQUEST, never);
      nowMs = 24 * 60 * 60 * 1_000 - 1;
      const second = await ivs.prepareToken(REQUEST, never);
      expect(api.requests.map(({ operation }) => operation)).toEqual(['GetStage']);
      expect(second.participantId).not.toBe(first.participantId);
      nowMs += 1;
      await ivs.prepareToken(REQUEST, never);
      expect(api.requests.map(({ operation }) => operation)).toEqual(['GetStage', 'GetStage']);
    });

    it('makes no call on the path of an invite to a stage that was warmed', async () => {
      api.answers = { GetStage: [STAGE] };
      const ivs = ivsWith({ stageKeyPair: KEY });
      await ivs.warm(ARN, never);
      expect(api.requests.length).toBe(1);
      await ivs.prepareToken(REQUEST, never);
      expect(api.requests.length).toBe(1);
    });

    it.each([
      ['another region', 'arn:aws:ivs:eu-west-2:123456789012:stage/a'],
      ['another account', 'arn:aws:ivs:eu-west-1:999999999999:stage/a'],
    ])('leaves a stage of %s to IVS, which would refuse a token of this key', async (_, stageArn) => {
      api.answers = { CreateParticipantToken: [TOKEN] };
      await ivsWith({ stageKeyPair: KEY }).prepareToken({ ...REQUEST, stageArn }, never);
      expect(api.requests.map(({ operation }) => operation)).toEqual(['CreateParticipantToken']);
    });

    it('leaves a stage without endpoints to IVS', async () => {
      api.answers = { GetStage: [{ body: { stage: { arn: ARN } } }], CreateParticipantToken: [TOKEN] };
      await ivsWith({ stageKeyPair: KEY }).prepareToken(REQUEST, never);
      expect(api.requests.map(({ operation }) => operation)).toEqual(['GetStage', 'CreateParticipantToken']);
    });

    it('asks for the endpoints of a stage again once IVS has said that it is gone', async () => {
      const gone = { status: 404, errorType: 'ResourceNotFoundException' };
      api.answers = { GetStage: [STAGE], DisconnectParticipant: [gone] };
      const ivs = ivsWith({ stageKeyPair: KEY });
      await ivs.prepareToken(REQUEST, never);
      await ivs.disconnect({ stageArn: ARN, participantId: 'p1', reason: '' }, never);
      api.answers = { GetStage: [gone] };
      expect(await failureOf(ivs.prepareToken(REQUEST, never))).toMatchObject({ code: 'STAGE_NOT_FOUND' });
    });
  });

  describe('prepareToken that fails', () => {
    const call = 'CreateParticipantToken';
    const stage = `There is no stage ${ARN}; was it deleted, or is it of another account?`;
    const role = `AWS does not allow the virtual participant ivs:${call} on ${ARN}; its IAM role needs that permission.`;
    const credentials = 'AWS did not accept the credentials of the virtual participant, or it has none.';
    const tooMany = 'IVS has too many requests of this account now; try again in a while.';
    it.each([
      ['STAGE_NOT_FOUND', stage, { status: 404, errorType: 'ResourceNotFoundException' }],
      [
        'INVITE_INVALID',
        `IVS refused the invite to ${ARN}: an input of it is not valid.`,
        { status: 400, errorType: 'ValidationException' },
      ],
      ['AWS_NOT_ALLOWED', role, { status: 403, errorType: 'AccessDeniedException' }],
      ['AWS_NOT_ALLOWED', credentials, { status: 403, errorType: 'UnrecognizedClientException' }],
      ['AWS_NOT_ALLOWED', credentials, { status: 403, errorType: 'ExpiredTokenException' }],
      ['PREPARE_FAILED', tooMany, { status: 429, errorType: 'ThrottlingException' }],
      ['PREPARE_FAILED', tooMany, { status: 402, errorType: 'ServiceQuotaExceededException' }],
      [
        'PREPARE_FAILED',
        'IVS failed at CreateParticipantToken (InternalServerException); try again.',
        { status: 500, errorType: 'InternalServerException' },
      ],
      ['PREPARE_FAILED', 'IVS failed at CreateParticipantToken (Error); try again.', { body: {} }],
      [
        'PREPARE_FAILED',
        'IVS could not be reached; is there a way to the network?',
        { instead: 'cut' } as ScriptedAnswer,
      ],
    ] as const)('tells %s, "%s"', async (code, message, answer) => {
      api.answers = { [call]: [answer] };
      expect(await failureOf(ivsWith().prepareToken(REQUEST, never))).toEqual({ code, ...FAILURES[code], message });
    });

    it('keeps what the SDK said for the log', async () => {
      api.answers = { [call]: [{ status: 404, errorType: 'ResourceNotFoundException', body: { message: 'no' } }] };
      await expect(ivsWith().prepareToken(REQUEST, never)).rejects.toMatchObject({
        name: 'FailureError',
        cause: { name: 'ResourceNotFoundException', message: 'no' },
      });
    });

    it('tells where nothing listens', async () => {
      await api.close();
      expect(await failureOf(ivsWith().prepareToken(REQUEST, never))).toEqual({
        code: 'PREPARE_FAILED',
        ...FAILURES.PREPARE_FAILED,
        message: 'IVS could not be reached; is there a way to the network?',
      });
    });

    it('gives up at its deadline where IVS is silent', async () => {
      api.answers = { [call]: [{ instead: 'silence' }] };
      expect(await failureOf(ivsWith({ callTimeoutMs: 50 }).prepareToken(REQUEST, never))).toEqual({
        code: 'PREPARE_FAILED',
        ...FAILURES.PREPARE_FAILED,
        message: 'IVS did not answer in time; try again.',
      });
    });

    it('ends at once with the reason of its signal', async () => {
      api.answers = { [call]: [{ instead: 'silence' }] };
      const controller = new AbortController();
      const asked = ivsWith().prepareToken(REQUEST, controller.signal);
      const kicked = new Error('kicked');
      controller.abort(kicked);
      await expect(asked).rejects.toBe(kicked);
      await expect(ivsWith().prepareToken(REQUEST, controller.signal)).rejects.toBe(kicked);
    });

    it.each([
      [{ stageArn: 'stage-1' }, '"stage-1" is not the ARN of a stage.'],
      [{ userId: '' }, 'The userId has 0 characters; expected 1 to 128.'],
      [{ userId: 'x'.repeat(129) }, 'The userId has 129 characters; expected 1 to 128.'],
      [{ attributes: { a: 'é'.repeat(512) } }, 'The attributes have 1025 bytes; expected at most 1024 of UTF-8.'],
    ])('refuses what cannot be put into a token without asking IVS', async (input, message) => {
      expect(await failureOf(ivsWith().prepareToken({ ...REQUEST, ...input }, never))).toEqual({
        code: 'INVITE_INVALID',
        ...FAILURES.INVITE_INVALID,
        message,
      });
      expect(api.requests).toEqual([]);
    });
  });

  describe('disconnect', () => {
    const input = { stageArn: ARN, participantId: 'p1', reason: 'x'.repeat(200) };

    it('asks IVS, with a reason that is not too long', async () => {
      expect(await ivsWith().disconnect(input, never)).toBe('disconnected');
      expect(api.requests).toEqual([
        {
          operation: 'DisconnectParticipant',
          region: 'eu-west-1',
          body: { stageArn: ARN, participantId: 'p1', reason: 'x'.repeat(128) },
        },
      ]);
    });

    it('says that nobody was there where the stage is gone', async () => {
      api.answers = { DisconnectParticipant: [{ status: 404, errorType: 'ResourceNotFoundException' }] };
      expect(await ivsWith().disconnect(input, never)).toBe('was not there');
    });

    it('fails where IVS does not say that the participant is gone', async () => {
      api.answers = { DisconnectParticipant: [{ status: 403, errorType: 'AccessDeniedException' }] };
      expect(await failureOf(ivsWith().disconnect(input, never))).toEqual({
        code: 'AWS_NOT_ALLOWED',
        ...FAILURES.AWS_NOT_ALLOWED,
        message: `AWS does not allow the virtual participant ivs:DisconnectParticipant on ${ARN}; its IAM role needs that permission.`,
      });
    });
  });

  describe('warm', () => {
    it('without a key pair finds credentials and asks IVS nothing', async () => {
      await ivsWith().warm(ARN, never);
      expect(api.requests).toEqual([]);
    });
  });
});
