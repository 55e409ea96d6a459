import type { ControlPlaneListener, VpRecord } from '../appsync/control-plane.ts';
import { emptyRecord } from '../appsync/testing/fake-client.ts';
import { soloControlPlane, soloIvs } from './solo.ts';

const never = new AbortController().signal;

describe('soloControlPlane', () => {
  it('is online at once and invites once, by default asset and for as long as IVS allows', () => {
    const told: (string | VpRecord)[] = [];
    const listener: ControlPlaneListener = {
      onOnline: () => told.push('online'),
      onOffline: () => told.push('offline'),
      onRecord: (record) => told.push(record),
      onOwnerLost: () => told.push('owner lost'),
    };
    soloControlPlane('vp-1').start(listener);
    expect(told).toEqual([
      'online',
      { ...emptyRecord('vp-1'), status: 'INVITED', epoch: 1, version: 1, stageArn: 'unknown' },
    ]);
  });

  it('takes every report', async () => {
    const report = {
      status: 'PUBLISHED',
      epoch: 1,
      participantId: null,
      reason: null,
      failure: null,
      source: null,
    } as const;
    expect(await soloControlPlane('vp-1').report(report)).toBe('taken');
  });
});

describe('soloIvs', () => {
  it('gives the token that it was given', async () => {
    const request = { vpId: 'vp-1', stageArn: 'unknown', userId: null, attributes: {} };
    expect(await soloIvs('a-token').prepareToken(request, never)).toEqual({
      participantToken: 'a-token',
      participantId: null,
    });
  });

  it('cannot disconnect anybody, and says why', async () => {
    const request = { stageArn: 'unknown', participantId: 'p1', reason: 'r' };
    await expect(soloIvs('a-token').disconnect(request, never)).rejects.toThrow(
      'There is no API to disconnect a participant with: only its token was given.',
    );
  });
});
