import '../infra/local/quiet-aws-sdk.ts';
import {
  CreateParticipantTokenCommand,
  CreateStageCommand,
  DeleteStageCommand,
  DisconnectParticipantCommand,
  ImportPublicKeyCommand,
  IVSRealTimeClient,
} from '@aws-sdk/client-ivs-realtime';
import type { Page } from 'puppeteer';
import { type StageServer, startStage } from '../infra/local/stage/server.ts';
import {
  generateSigningKey,
  type SigningKey,
  signParticipantToken,
  type TokenStage,
} from '../infra/local/stage/tokens.ts';
import { type Chromium, launchChromium } from '../server/chromium/launch.ts';
import type { JoinOptions, SdkEvent } from './stage-sdk/client.ts';
import { type ClientPage, serveClientPage } from './stage-sdk/serve.ts';

const EVENT_TIMEOUT_MS = 10_000;

let stage: StageServer;
let clientPage: ClientPage;
let chromium: Chromium;
let ivs: IVSRealTimeClient;
/** A key whose public part the stage knows. */
let key: SigningKey;
let tokenStage: TokenStage;

beforeAll(async () => {
  [stage, clientPage, chromium, key] = await Promise.all([
    startStage({ port: 0, controlPort: 0 }),
    serveClientPage(),
    launchChromium({ loopbackIce: true }),
    generateSigningKey(),
  ]);
  ivs = new IVSRealTimeClient({
    endpoint: stage.url,
    region: 'us-west-2',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  });
  const { publicKeyMaterial } = key;
  const { publicKey } = await ivs.send(new ImportPublicKeyCommand({ publicKeyMaterial }));
  key = { ...key, arn: publicKey?.arn ?? '' };
}, 60_000);

afterAll(async () => {
  ivs.destroy();
  await Promise.all([chromium.close(), clientPage.close(), stage.close()]);
});

beforeEach(async () => {
  const { stage: created } = await ivs.send(new CreateStageCommand({}));
  tokenStage = {
    arn: created?.arn ?? '',
    eventsUrl: created?.endpoints?.events ?? '',
    whipUrl: created?.endpoints?.whip ?? '',
  };
});

const pages: Page[] = [];

afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.browserContext().close()));
});

/** A page with the SDK, in a window of its own: one in the background is not painted, and shows no frame. */
async function openPage(): Promise<Page> {
  const context = await chromium.browser.createBrowserContext();
  const page = await context.newPage();
  pages.push(page);
  await page.goto(clientPage.url);
  await page.waitForFunction(() => window.sdk !== undefined, { polling: 50 });
  return page;
}

async function newToken(request: object = {}): Promise<{ token: string; participantId: string }> {
  const { participantToken } = await ivs.send(
    new CreateParticipantTokenCommand({ stageArn: tokenStage.arn, ...request }),
  );
  return { token: participantToken?.token ?? '', participantId: participantToken?.participantId ?? '' };
}

const joinWith = (page: Page, token: string, options: JoinOptions = {}) =>
  page.evaluate((one, two) => window.sdk?.join(one, two), token, options);

/** Opens a page, joins, and expects it to come in. */
async function joined(token: string, options: JoinOptions = {}): Promise<Page> {
  const page = await openPage();
  expect(await joinWith(page, token, options)).toBe('joined');
  return page;
}

/** Waits until the SDK has told this. */
async function told(page: Page, name: string, participantId: string | null, value: unknown): Promise<void> {
  const wanted: SdkEvent = { name, participantId, value };
  await page
    .waitForFunction(
      (json) => window.sdk?.events.some((event) => JSON.stringify(event) === json),
      { timeout: EVENT_TIMEOUT_MS, polling: 20 },
      JSON.stringify(wanted),
    )
    .catch(async () => {
      const events = await page.evaluate(() => window.sdk?.events);
      throw new Error(`The SDK did not tell ${JSON.stringify(wanted)}; it told ${JSON.stringify(events)}`);
    });
}

const namesTold = (page: Page, name: string) =>
  page.evaluate((one) => window.sdk?.events.filter((event) => event.name === one).map(({ value }) => value), name);

describe('the IVS SDK on the local stage', () => {
  it.each([false, true])('publishes, and another sees it (simulcast: %s)', async (simulcast) => {
    const [publisher, viewer] = [await newToken({ userId: 'vp' }), await newToken()];
    const viewing = await joined(viewer.token);
    const publishing = await joined(publisher.token, { publish: true, simulcast });
    await told(publishing, 'publish', publisher.participantId, 'published');
    await told(viewing, 'participantJoined', publisher.participantId, 'vp');
    await told(viewing, 'firstFrame', publisher.participantId, null);
  });

  it('shows a viewer that a publisher mutes, and that it leaves', async () => {
    const [publisher, viewer] = [await newToken({ userId: 'vp' }), await newToken()];
    const publishing = await joined(publisher.token, { publish: true });
    const viewing = await joined(viewer.token);
    await told(viewing, 'firstFrame', publisher.participantId, null);
    await publishing.evaluate(() => window.sdk?.muteVideo());
    await told(viewing, 'mute', publisher.participantId, { streamType: 'video', isMuted: true });
    await publishing.evaluate(() => window.sdk?.leave());
    await told(viewing, 'participantLeft', publisher.participantId, 'vp');
  });

  it('leaves a viewer a stage without the page that was closed', async () => {
    const [publisher, viewer] = [await newToken({ userId: 'vp' }), await newToken()];
    const publishing = await joined(publisher.token, { publish: true });
    const viewing = await joined(viewer.token);
    await told(viewing, 'firstFrame', publisher.participantId, null);
    await publishing.close();
    await told(viewing, 'participantLeft', publisher.participantId, 'vp');
  });

  it('leaves with the reason when it is disconnected, when its stage is deleted, when its token is reused', async () => {
    const [kicked, reused, last] = [await newToken(), await newToken(), await newToken()];
    const stageArn = tokenStage.arn;
    const [first, second, third] = await Promise.all([joined(kicked.token), joined(reused.token), joined(last.token)]);
    await ivs.send(new DisconnectParticipantCommand({ stageArn, participantId: kicked.participantId }));
    await told(first, 'left', null, 'participant-disconnected');
    const again = await joined(reused.token);
    await told(second, 'left', null, 'token-reused');
    await ivs.send(new DeleteStageCommand({ arn: stageArn }));
    await Promise.all([again, third].map((page) => told(page, 'left', null, 'stage-deleted')));
  });

  it('comes back by itself when its events socket is cut, and is not taken for a second user of its token', async () => {
    const { token, participantId } = await newToken();
    const page = await joined(token, { publish: true });
    await told(page, 'publish', participantId, 'published');
    await fetch(`${stage.controlUrl}/faults`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ participantId, step: 'events', action: 'cut' }),
    });
    await told(page, 'connection', null, 'errored');
    await page.waitForFunction(() => window.sdk?.events.filter(({ value }) => value === 'connected').length === 2, {
      timeout: EVENT_TIMEOUT_MS,
      polling: 20,
    });
    expect([await namesTold(page, 'left'), await namesTold(page, 'publish')]).toEqual([
      [],
      ['attempting_publish', 'published'],
    ]);
  });

  it('names the error when its token is no good', async () => {
    const stageArn = tokenStage.arn;
    const [out, gone] = [await newToken(), await newToken()];
    await ivs.send(new DisconnectParticipantCommand({ stageArn, participantId: out.participantId }));
    const page = await openPage();
    const codes = [
      await joinWith(page, (await signParticipantToken(key, tokenStage, { issuedAt: new Date(0) })).token),
      await joinWith(page, (await signParticipantToken(await generateSigningKey(), tokenStage)).token),
      await joinWith(page, out.token),
    ];
    await ivs.send(new DeleteStageCommand({ arn: stageArn }));
    codes.push(await joinWith(page, gone.token));
    expect(codes).toEqual(['TOKEN_EXPIRED', 'TOKEN_MALFORMED', 'PARTICIPANT_DISCONNECTED', 'STAGE_DELETED']);
  });

  it('does not even try to publish with a token that does not allow it', async () => {
    const { token, participantId } = await newToken({ capabilities: ['SUBSCRIBE'] });
    const page = await joined(token, { publish: true });
    await told(page, 'participantJoined', participantId, '');
    await page.evaluate(() => window.sdk?.leave());
    await told(page, 'left', null, 'user-initiated');
    expect(await namesTold(page, 'publish')).toEqual([]);
  });

  it('exchanges its token, and others see what the new one says', async () => {
    const [viewer, participantId] = [await newToken(), 'exchanging'];
    const sign = async (userId: string) =>
      (await signParticipantToken(key, tokenStage, { participantId, userId })).token;
    const viewing = await joined(viewer.token);
    const page = await joined(await sign('before'));
    await told(viewing, 'participantJoined', participantId, 'before');
    expect(await page.evaluate((token) => window.sdk?.exchange(token), await sign('after'))).toBe('exchanged');
    await told(viewing, 'metadata', participantId, 'after');
  });

  it('leaves the stage when its exchange is refused', async () => {
    const { token, participantId } = await newToken();
    const page = await joined(token);
    const newer = await signParticipantToken(key, tokenStage, { participantId });
    expect(await page.evaluate((one) => window.sdk?.exchange(one), newer.token)).toBe('TOKEN_EXCHANGE_FAILED');
    await told(page, 'left', null, 'failed-exchange');
  });
});
