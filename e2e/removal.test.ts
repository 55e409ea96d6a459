import { DeleteStageCommand, DisconnectParticipantCommand } from '@aws-sdk/client-ivs-realtime';
import { generateSigningKey, signParticipantToken } from '../infra/local/stage/tokens.ts';
import { openParticipant, type ParticipantPage } from './support/pages.ts';
import { type System, startSystem } from './support/system.ts';

let system: System;

beforeAll(async () => {
  system = await startSystem();
}, 30_000);
afterAll(() => system.close());

/** What the page tells of its end, and what it says to a person. */
async function endOf(participant: ParticipantPage, timeoutMs?: number) {
  const over = await participant.until(
    'an end',
    (message) => message.type === 'vp.stats' && (message.state === 'idle' || message.state === 'failed'),
    timeoutMs,
  );
  const { state, reason, code } = over as { state?: string; reason?: string; code?: string };
  const said = await participant.page.$eval('.sentence', ({ textContent }) => textContent);
  return { state, reason, code, said };
}

describe('A page that is published', () => {
  it('ends and stays away when IVS disconnects the participant', async () => {
    const { token, participantId } = await system.newToken('vp');
    const participant = await openParticipant(system, token);
    await participant.untilState('published');
    participant.forget();

    await system.ivs.send(new DisconnectParticipantCommand({ stageArn: system.stageArn, participantId }));

    expect(await endOf(participant)).toEqual({
      state: 'idle',
      reason: 'PARTICIPANT_DISCONNECTED',
      code: undefined,
      said: 'IVS took this participant off the stage.',
    });
    await participant.page.reload();
    participant.forget();
    expect(await endOf(participant)).toMatchObject({ reason: 'PARTICIPANT_DISCONNECTED' });
    await participant.page.close();
  });

  it('fails when its token is used to join from elsewhere, and the newer page is published', async () => {
    const { token } = await system.newToken('vp');
    const older = await openParticipant(system, token);
    await older.untilState('published');
    older.forget();

    const newer = await openParticipant(system, token);

    expect(await endOf(older)).toMatchObject({ state: 'failed', code: 'TOKEN_REUSED' });
    await newer.untilState('published');
    await older.page.close();
    await newer.page.close();
  });
});

describe('A page is refused and says why in words', () => {
  it('when its token has expired', async () => {
    const issuedAt = new Date(Date.now() - 3_600_000);
    const { token } = await signParticipantToken(system.key, system.tokenStage, { issuedAt, duration: 1 });
    const participant = await openParticipant(system, token);
    expect(await endOf(participant)).toEqual({
      state: 'failed',
      reason: 'TOKEN_EXPIRED',
      code: 'TOKEN_EXPIRED',
      said: 'The participant token has expired. Make a new one.',
    });
    await participant.page.close();
  });

  it('when its token is signed with a key that is not the one it names', async () => {
    const { privateKey } = await generateSigningKey();
    const { token } = await signParticipantToken({ arn: system.key.arn, privateKey }, system.tokenStage);
    const participant = await openParticipant(system, token);
    expect(await endOf(participant)).toMatchObject({ state: 'failed', code: 'TOKEN_INVALID' });
    await participant.page.close();
  });

  it('when its token is of a stage that does not exist here', async () => {
    const foreign = { ...system.tokenStage, arn: `${system.stageArn.slice(0, -12)}ForeignStage` };
    const { token } = await signParticipantToken(system.key, foreign);
    const participant = await openParticipant(system, token);
    const end = await endOf(participant, 20_000);
    expect(end).toMatchObject({ state: 'failed', code: 'JOIN_FAILED' });
    expect(end.said).toContain('Does it exist');
    await participant.page.close();
  });

  it('when its token does not allow publishing', async () => {
    const { token } = await system.newToken('vp', ['SUBSCRIBE']);
    const participant = await openParticipant(system, token);
    expect(await endOf(participant)).toMatchObject({ state: 'failed', code: 'TOKEN_NOT_ALLOWED' });
    await participant.page.close();
  });

  it('when what it was given is no token', async () => {
    const participant = await openParticipant(system, 'not-a-token');
    expect(await endOf(participant)).toMatchObject({ state: 'failed', code: 'TOKEN_INVALID' });
    await participant.page.close();
  });
});

describe('A stage that is deleted', () => {
  it('ends the page that is published on it', async () => {
    const { token } = await system.newToken('vp');
    const participant = await openParticipant(system, token);
    await participant.untilState('published');
    participant.forget();

    await system.ivs.send(new DeleteStageCommand({ arn: system.stageArn }));

    expect(await endOf(participant)).toEqual({
      state: 'idle',
      reason: 'STAGE_DELETED',
      code: undefined,
      said: 'The stage was deleted.',
    });
    await participant.page.close();
  });
});
