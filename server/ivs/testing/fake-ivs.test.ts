import { FakeIvs } from './fake-ivs.ts';

const REQUEST = { stageArn: 'arn', userId: null, attributes: {}, vpId: 'vp-1' };
const never = new AbortController().signal;

describe('FakeIvs', () => {
  it('gives another token to each call, and keeps what it was asked', async () => {
    const ivs = new FakeIvs();
    expect(await ivs.prepareToken(REQUEST, never)).toEqual({
      participantToken: 'token-1',
      participantId: 'participant-1',
    });
    expect(await ivs.prepareToken(REQUEST, never)).toEqual({
      participantToken: 'token-2',
      participantId: 'participant-2',
    });
    expect(await ivs.disconnect({ stageArn: 'arn', participantId: 'p', reason: 'r' }, never)).toBe('disconnected');
    expect(ivs.calls).toEqual([
      { operation: 'prepareToken', ...REQUEST },
      { operation: 'prepareToken', ...REQUEST },
      { operation: 'disconnect', stageArn: 'arn', participantId: 'p', reason: 'r' },
    ]);
  });

  it('fails as it is told', async () => {
    const ivs = new FakeIvs();
    ivs.failure = new Error('no');
    await expect(ivs.prepareToken(REQUEST, never)).rejects.toThrow('no');
    ivs.failure = null;
    ivs.isStageGone = true;
    expect(await ivs.disconnect({ stageArn: 'arn', participantId: 'p', reason: '' }, never)).toBe('was not there');
  });

  it('holds a call until it is released or its signal aborts', async () => {
    const ivs = new FakeIvs();
    ivs.hold();
    const controller = new AbortController();
    const [held, aborted] = [ivs.prepareToken(REQUEST, never), ivs.prepareToken(REQUEST, controller.signal)];
    controller.abort(new Error('kicked'));
    await expect(aborted).rejects.toThrow('kicked');
    ivs.release();
    expect(await held).toEqual({ participantToken: 'token-1', participantId: 'participant-1' });
  });
});
