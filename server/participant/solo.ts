import type { ControlPlane, VpRecord } from '../appsync/control-plane.ts';
import type { ParticipantPorts } from './actors.ts';

/** Where a token is all there is: the one invite, without anybody who could kick. */
const EPOCH = 1;

/** The token knows its stage; the server need not. */
const UNKNOWN_STAGE = 'unknown';

/** A control plane that invites once, for `PARTICIPANT_TOKEN` in place of a GraphQL API. */
export function soloControlPlane(vpId: string): ControlPlane {
  const record: VpRecord = {
    id: vpId,
    status: 'INVITED',
    epoch: EPOCH,
    version: 1,
    stageArn: UNKNOWN_STAGE,
    participantId: null,
    userId: null,
    attributes: {},
    assetName: null,
    loop: true,
    maxDurationSeconds: null,
    source: null,
    failure: null,
    reason: null,
    updatedAt: null,
    lastSeenAt: null,
  };
  return {
    start(listener) {
      listener.onOnline();
      listener.onRecord(record);
    },
    report: async () => 'taken',
    close: async () => {},
  };
}

/** Hands out the token that was given; nobody but the page can end what it began. */
export function soloIvs(participantToken: string): ParticipantPorts['ivs'] {
  return {
    prepareToken: async () => ({ participantToken, participantId: null }),
    async disconnect() {
      throw new Error('There is no API to disconnect a participant with: only its token was given.');
    },
  };
}
