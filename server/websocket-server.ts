import { createActor, fromPromise } from 'xstate';
import {
  type ParticipantActor,
  type ParticipantInvite,
  type Preparation,
  participantMachine,
} from '../machines/participant.ts';
import { statusOf } from '../machines/participant-link.ts';
import { assetUrl, isS3Name } from './assets/names.ts';
import { type Config, readConfig } from './config.ts';
import { StartError } from './errors.ts';
import { REDACTED, redactText } from './redact.ts';
import { serveWebSocketApi } from './websocket/server.ts';

/** Stands for the ARN of the stage where the token does not tell it. IVS knows it, and the page hears it from there. */
const UNKNOWN_STAGE = 'unknown';

async function main(): Promise<void> {
  const config = readConfig(process.env, { invites: false });
  const { participantToken: token, pagePort } = config;
  if (isS3Name(config.defaultAsset)) {
    throw new StartError(
      `DEFAULT_ASSET is ${JSON.stringify(config.defaultAsset)}; expected a file that the page's own server has, or pattern.`,
    );
  }
  const say = (text: string) => console.log(withoutSecrets(`${new Date().toISOString()} ${text}`, token));

  const actor = createActor(machineOf(config));
  tellStatus(actor, say);
  if (token !== null) inviteEachPage(actor, token);
  actor.start();
  actor.send({ type: 'control.online' });
  const api = await serveWebSocketApi({
    actor,
    port: config.webSocketPort,
    origins: [`http://localhost:${pagePort}`, `http://127.0.0.1:${pagePort}`],
    allowNoOrigin: true,
    log: (_, message, fields) => say([message, ...Object.entries(fields).map((field) => field.join('='))].join(' ')),
  });

  console.log(`
  WebSocket API   ${api.url}/   (PROTOCOL.md)
  Page            http://localhost:${pagePort}/   (npm start); other programs may connect too
  Invites         ${token === null ? 'none: PARTICIPANT_TOKEN is not set' : `whoever subscribes, to play ${config.defaultAsset}`}

Ctrl-C ends it.
`);
  await new Promise((stopped) => {
    process.once('SIGINT', stopped);
    process.once('SIGTERM', stopped);
  });
  await api.close();
  actor.stop();
}

/** The participant without AWS: its token is the one of the environment, and its assets are the page's own. */
function machineOf({ participantToken, defaultAsset, delays }: Config) {
  const asset = { name: defaultAsset, url: assetUrl(defaultAsset), loop: true };
  return participantMachine.provide({
    delays,
    actors: {
      prepare: fromPromise<Preparation, { invite: ParticipantInvite | null }>(async () => {
        if (participantToken === null) throw new Error('Nobody invites without PARTICIPANT_TOKEN.');
        return { participantToken, participantId: null, asset };
      }),
      // The page tells that it has left, which ends this wait; the machine's own deadline does so for a silent page.
      enforceLeave: fromPromise<void, { participantId: string | null; stageArn: string | null }>(
        () => new Promise(() => {}),
      ),
    },
  });
}

/** Invites each page that was loaded, once the one before is off the stage. */
function inviteEachPage(actor: ParticipantActor, token: string): void {
  let isLoading = false;
  let isOwed = false;
  actor.subscribe((snapshot) => {
    const wasLoading = isLoading;
    isLoading = snapshot.matches({ serving: { page: 'loading' } });
    isOwed ||= isLoading && !wasLoading;
    if (!isOwed || !snapshot.matches({ serving: { session: 'available' } })) return;
    isOwed = false;
    actor.send({
      type: 'invite.received',
      invite: {
        epoch: snapshot.context.epoch + 1,
        stageArn: stageArnOf(token) ?? UNKNOWN_STAGE,
        assetName: null,
        loop: true,
        userId: null,
        attributes: {},
        maxDurationSeconds: null,
      },
    });
  });
}

/** Tells each status to who looks at the terminal, in place of a control plane. */
function tellStatus(actor: ParticipantActor, say: (text: string) => void): void {
  let told = '';
  actor.subscribe((snapshot) => {
    const report = statusOf(snapshot);
    if (report === null) return;
    const { status, epoch, reason, failure } = report;
    const text = [status, epoch > 0 && `epoch ${epoch}`, failure?.message ?? reason].filter(Boolean).join(', ');
    if (text !== told) say(text);
    told = text;
    if (status === 'KICKED' || status === 'ERRORED') actor.send({ type: 'status.reported', epoch, status });
  });
}

/** The stage that a participant token is for, where it can be read: tokens are opaque. */
function stageArnOf(token: string): string | null {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
    const isObject = typeof claims === 'object' && claims !== null;
    return isObject && 'resource' in claims && typeof claims.resource === 'string' ? claims.resource || null : null;
  } catch {
    return null;
  }
}

function withoutSecrets(text: string, token: string | null): string {
  return redactText(token === null ? text : text.replaceAll(token, REDACTED));
}

main().catch((error: unknown) => {
  console.error(error instanceof StartError ? error.message : error);
  process.exitCode = 1;
});
