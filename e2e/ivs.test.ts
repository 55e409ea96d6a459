import { generateKeyPairSync } from 'node:crypto';
import { decodeJwt } from 'jose';
import { EventsClient, type LocalStage, offer, startLocalStage } from '../infra/local/stage/testing/local-stage.ts';
import { type AwsIvsOptions, createAwsIvs } from '../server/ivs/aws-ivs.ts';
import type { Ivs } from '../server/ivs/ivs.ts';
import { type Recorder, startRecorder } from './support/recorder.ts';

const never = new AbortController().signal;

describe('createAwsIvs on the local stage', () => {
  let stage: LocalStage;
  /** Of a stage of each test's own. */
  let arn: string;
  let recorder: Recorder;
  let options: Record<'tokens of IVS' | 'tokens of a key pair', AwsIvsOptions>;
  const started: Ivs[] = [];

  const ivsWith = (kind: keyof typeof options): Ivs => {
    const ivs = createAwsIvs(options[kind]);
    started.push(ivs);
    return ivs;
  };
  const request = (more: object = {}) => ({
    stageArn: arn,
    userId: null,
    attributes: { role: 'host', name: 'Zoë' },
    vpId: 'vp-1',
    ...more,
  });

  beforeAll(async () => {
    stage = await startLocalStage();
    recorder = await startRecorder(stage.url);
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    const imported = await stage.call<{ publicKey: { arn: string } }>('ImportPublicKey', {
      publicKeyMaterial: publicKey.export({ type: 'spki', format: 'pem' }),
    });
    options = {
      'tokens of IVS': {},
      'tokens of a key pair': { stageKeyPair: { publicKeyArn: imported.publicKey.arn, privateKey } },
    };
    process.env['AWS_ENDPOINT_URL_IVS_REALTIME'] = recorder.url;
    process.env['AWS_ACCESS_KEY_ID'] = 'local';
    process.env['AWS_SECRET_ACCESS_KEY'] = 'local';
  });
  beforeEach(async () => {
    recorder.calls.length = 0;
    arn = (await stage.call<{ stage: { arn: string } }>('CreateStage', {})).stage.arn;
  });
  afterAll(async () => {
    for (const ivs of started) ivs.close();
    recorder.close();
    await stage.close();
  });

  describe.each(['tokens of IVS', 'tokens of a key pair'] as const)('with %s', (kind) => {
    it('lets a participant on the stage as who the invite says', async () => {
      const ivs = ivsWith(kind);
      const [first, second] = [
        await ivs.prepareToken(request(), never),
        await ivs.prepareToken(request({ userId: 'ada' }), never),
      ];
      const client = new EventsClient(stage, first.participantToken);
      await client.stateOf(first.participantId);
      const other = new EventsClient(stage, second.participantToken);
      const both = await other.stateOf(first.participantId, second.participantId);

      expect(both.map(({ userId, attributes }) => ({ userId, attributes }))).toEqual([
        { userId: 'vp-1', attributes: { role: 'host', name: 'Zoë' } },
        { userId: 'ada', attributes: { role: 'host', name: 'Zoë' } },
      ]);
      client.socket.close();
      other.socket.close();
      await Promise.all([client.closed, other.closed]);
    });

    it('lets it publish, not subscribe, for 25 hours', async () => {
      const { participantToken, participantId } = await ivsWith(kind).prepareToken(request(), never);
      const publish = await offer(stage, `/whip/publish/${participantId}`, participantToken);
      const subscribe = await offer(stage, `/whip/subscribe/${participantId}`, participantToken);
      const { exp = 0, iat = 0 } = decodeJwt(participantToken);

      expect([publish.status, subscribe.status, await subscribe.json()]).toEqual([
        201,
        403,
        { code: 'TOKEN_NOT_ALLOWED', message: expect.any(String) },
      ]);
      expect(exp - iat).toBe(25 * 60 * 60);
    });

    it('disconnects a participant, and tells it the reason', async () => {
      const ivs = ivsWith(kind);
      const { participantToken, participantId } = await ivs.prepareToken(request(), never);
      const client = new EventsClient(stage, participantToken);
      await client.next('STAGE_STATE');

      const input = { stageArn: arn, participantId, reason: 'The page did not leave in time.' };
      expect(await ivs.disconnect(input, never)).toBe('disconnected');
      expect((await client.next('aws:ivs:DISCONNECT')).payload).toEqual({
        code: 'PARTICIPANT_DISCONNECTED',
        reason: 'The page did not leave in time.',
      });
      await client.closed;
    });

    it('tells of a stage that is not there, and that nobody is on it', async () => {
      const ivs = ivsWith(kind);
      const stageArn = `${arn}0`;
      await expect(ivs.prepareToken(request({ stageArn }), never)).rejects.toMatchObject({
        name: 'FailureError',
        failure: {
          code: 'STAGE_NOT_FOUND',
          origin: 'caller',
          retryable: false,
          message: `There is no stage ${stageArn}; was it deleted, or is it of another account?`,
        },
      });
      expect(await ivs.disconnect({ stageArn, participantId: 'p1', reason: '' }, never)).toBe('was not there');
    });
  });

  it('with a key pair asks IVS once, for the first invite to a stage', async () => {
    const ivs = ivsWith('tokens of a key pair');
    await ivs.prepareToken(request(), never);
    await ivs.prepareToken(request(), never);
    expect(recorder.calls).toEqual(['GetStage']);
  });

  it('without a key pair asks IVS once for each invite', async () => {
    const ivs = ivsWith('tokens of IVS');
    await ivs.prepareToken(request(), never);
    await ivs.prepareToken(request(), never);
    expect(recorder.calls).toEqual(['CreateParticipantToken', 'CreateParticipantToken']);
  });
});
