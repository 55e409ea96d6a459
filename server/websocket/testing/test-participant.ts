import { createActor, fromPromise } from 'xstate';
import {
  type ParticipantActor,
  type ParticipantInvite,
  type Preparation,
  participantMachine,
} from '../../../machines/participant.ts';

export const STAGE_ARN = 'arn:aws:ivs:us-east-1:123456789012:stage/abcd';
export const TOKEN = 'eyJhbGciOiJFUzM4NCJ9.eyJyZXNvdXJjZSI6ImFybiJ9.c2lnbmF0dXJl';
export const ASSET = { name: 'my.mp4', url: '/assets/my.mp4', loop: true };

/** A participant without AWS that is online: its invites are ready at once, and only the page itself ends a leaving. */
export function startTestParticipant(): ParticipantActor {
  const actor = createActor(
    participantMachine.provide({
      actors: {
        prepare: fromPromise<Preparation, { invite: ParticipantInvite | null }>(async () => ({
          participantToken: TOKEN,
          participantId: null,
          asset: ASSET,
        })),
        enforceLeave: fromPromise<void, { participantId: string | null; stageArn: string | null }>(
          () => new Promise(() => {}),
        ),
      },
    }),
  );
  actor.start();
  actor.send({ type: 'control.online' });
  return actor;
}

/** Invites a participant, as its control plane does. */
export function invite(actor: ParticipantActor, epoch: number): void {
  actor.send({
    type: 'invite.received',
    invite: {
      epoch,
      stageArn: STAGE_ARN,
      assetName: ASSET.name,
      loop: true,
      userId: null,
      attributes: {},
      maxDurationSeconds: null,
    },
  });
}
