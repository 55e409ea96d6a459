import type { Context } from '@aws-appsync/utils';
import { util } from '@aws-appsync/utils';
import { refuse } from './common/errors.ts';
import { optionalInteger, optionalText, refuseInput, requireId, requireMatch } from './common/input.ts';
import type { InviteArgs, InviteStash } from './common/invite.ts';
import { toVirtualParticipant } from './common/record.ts';

/** IVS's own limit for all attributes of a participant together ("1 KB total", CreateParticipantToken). */
const MOST_ATTRIBUTE_CHARACTERS = 1_024;
/** IVS keeps a participant on a stage for at most 24 hours. */
const LONGEST_SECONDS = 24 * 60 * 60;

export function request(ctx: Context<InviteArgs, InviteStash>) {
  const { input } = ctx.args;
  if (input.id) requireId('input.id', input.id);
  if (input.clientToken !== null && input.clientToken !== undefined) {
    requireMatch('input.clientToken', input.clientToken, '^[!-~]{1,64}$', '1 to 64 visible ASCII characters');
  }
  ctx.stash.invite = {
    stageArn: requireMatch(
      'input.stageArn',
      input.stageArn,
      '^arn:aws[a-z-]*:ivs:[a-z0-9-]+:[0-9]+:stage/[a-zA-Z0-9-]+$',
      'arn:aws:ivs:<region>:<account>:stage/<id>',
    ),
    assetName: optionalText('input.assetName', input.assetName, 1_024),
    loop: input.loop ?? true,
    userId: optionalText('input.userId', input.userId, 128),
    attributes: validAttributes(input.attributes ?? null),
    maxDurationSeconds: optionalInteger('input.maxDurationSeconds', input.maxDurationSeconds, 1, LONGEST_SECONDS),
  };
  return {};
}

export function response(ctx: Context<InviteArgs, InviteStash>) {
  const { answer, isTokenTaken } = ctx.stash;
  if (answer) return toVirtualParticipant(answer, util.time.nowEpochMilliSeconds());
  return refuse(
    'CONTENTION',
    isTokenTaken
      ? 'Another invite with this clientToken was faster. Send the same again.'
      : 'Virtual participants were available, but other invites were faster. Invite again.',
    {},
  );
}

function validAttributes(attributes: { name: string; value: string }[] | null) {
  const names: Record<string, boolean> = {};
  let characters = 0;
  for (const { name, value } of attributes ?? []) {
    if (name === '' || Object.hasOwn(names, name)) {
      return refuseInput('input.attributes', 'names that are not empty, each of them once');
    }
    names[name] = true;
    characters += name.length + value.length;
  }
  return characters > MOST_ATTRIBUTE_CHARACTERS
    ? refuseInput('input.attributes', `at most ${MOST_ATTRIBUTE_CHARACTERS} characters together`)
    : attributes;
}
