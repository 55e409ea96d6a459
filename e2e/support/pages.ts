import type { Page } from 'puppeteer';
import type { PageMessage, SessionState } from '../../machines/protocol.ts';
import type { System } from './system.ts';

type Told = PageMessage & { atMs: number };

/** The virtual participant's page in a window of its own, and all that it told. */
export interface ParticipantPage {
  readonly page: Page;
  readonly told: readonly Told[];
  /** All that its console printed, and every error that nobody caught. */
  readonly logged: readonly string[];
  /** Resolves with the next message, told from now on or the newest before, that `matches`. */
  until(what: string, matches: (message: Told) => boolean, timeoutMs?: number): Promise<Told>;
  untilState(state: SessionState, timeoutMs?: number): Promise<Told>;
  /** Forgets what was told, so that `until` waits for news. */
  forget(): void;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** Opens the page with a token, as a person would by its address. */
export function openParticipant(system: System, token: string, query = ''): Promise<ParticipantPage> {
  return openPage(system, `/?token=${encodeURIComponent(token)}${query}`);
}

/** Opens the page without a token, for the server at `webSocketUrl`. */
export function openLinkedPage(system: System, webSocketUrl: string): Promise<ParticipantPage> {
  return openPage(system, '/', { webSocketUrl });
}

async function openPage(system: System, path: string, handover?: { webSocketUrl: string }): Promise<ParticipantPage> {
  const context = await system.chromium.browser.createBrowserContext();
  const page = await context.newPage();
  let told: Told[] = [];
  const logged: string[] = [];
  page.on('console', (message) => logged.push(message.text()));
  page.on('pageerror', (error) => logged.push(String(error)));
  const waiting = new Set<() => void>();
  await page.exposeFunction('vpTold', (message: PageMessage) => {
    told.push({ ...message, atMs: Date.now() });
    for (const check of [...waiting]) check();
  });
  await page.evaluateOnNewDocument(() => {
    const { vpTold } = window as unknown as { vpTold: (message: unknown) => void };
    addEventListener('message', ({ source, data }) => source === window && vpTold(data));
  });
  if (handover !== undefined) await page.evaluateOnNewDocument(`window.__vp = ${JSON.stringify(handover)}`);
  await page.goto(`${system.pages.url}${path}`);

  const participant: ParticipantPage = {
    page,
    get told() {
      return told;
    },
    logged,
    until: (what, matches, timeoutMs = DEFAULT_TIMEOUT_MS) =>
      new Promise((resolve, reject) => {
        const check = () => {
          const found = told.findLast(matches);
          if (found === undefined) return;
          clearTimeout(timer);
          waiting.delete(check);
          resolve(found);
        };
        const timer = setTimeout(() => {
          waiting.delete(check);
          const seen = told.map((message) => ('state' in message ? `state ${message.state}` : message.type)).join(', ');
          reject(new Error(`"${what}" was not told in ${timeoutMs} ms; told were: ${seen}`));
        }, timeoutMs);
        waiting.add(check);
        check();
      }),
    untilState: (state, timeoutMs) =>
      participant.until(state, (message) => message.type === 'vp.stats' && message.state === state, timeoutMs),
    forget() {
      told = [];
    },
  };
  return participant;
}

/** A viewer in a window of its own, which has joined the stage. */
export interface ViewerPage {
  readonly page: Page;
  /** Resolves with the number of a decoded test card's frame, as soon as the viewer shows one of that participant. */
  untilFrame(participantId: string, timeoutMs?: number): Promise<number>;
  /** Resolves once so many more frames of that participant were decoded than now. */
  untilMoreFrames(participantId: string, count: number, timeoutMs?: number): Promise<void>;
  untilGone(participantId: string, timeoutMs?: number): Promise<void>;
}

export async function openViewer(system: Pick<System, 'chromium' | 'pages'>): Promise<ViewerPage> {
  const context = await system.chromium.browser.createBrowserContext();
  const page = await context.newPage();
  await page.goto(`${system.pages.url}/demo/?once`);
  await page.waitForFunction('window.demo !== undefined', { timeout: DEFAULT_TIMEOUT_MS });
  return {
    page,
    async untilFrame(participantId, timeoutMs = DEFAULT_TIMEOUT_MS) {
      const frame = await page.waitForFunction(readFrameNumber, { timeout: timeoutMs, polling: 50 }, participantId);
      return (await frame.jsonValue()) as number;
    },
    async untilMoreFrames(participantId, count, timeoutMs = DEFAULT_TIMEOUT_MS) {
      const frames = await page.evaluate((id) => window.demo?.viewer.figures(id).frames ?? 0, participantId);
      await page.waitForFunction(
        (id, least) => (window.demo?.viewer.figures(id).frames ?? 0) >= least,
        { timeout: timeoutMs, polling: 50 },
        participantId,
        frames + count,
      );
    },
    async untilGone(participantId, timeoutMs = DEFAULT_TIMEOUT_MS) {
      await page.waitForFunction(
        (id) => window.demo?.viewer.video(id) === undefined,
        { timeout: timeoutMs, polling: 50 },
        participantId,
      );
    },
  };
}

/** Reads the squares of the test card (assets/README.md) off the viewer's picture; `null` until a valid number is seen. */
function readFrameNumber(participantId: string): number | null {
  const video = window.demo?.viewer.video(participantId);
  if (video === undefined || video.videoWidth === 0) return null;
  const canvas = Object.assign(document.createElement('canvas'), {
    width: video.videoWidth,
    height: video.videoHeight,
  });
  const context = canvas.getContext('2d');
  if (context === null) return null;
  context.drawImage(video, 0, 0);
  const brightness = (index: number) => {
    const x = Math.round(((70 + 76 * index) / 1_280) * canvas.width);
    const y = Math.round((666 / 720) * canvas.height);
    const [red = 0, green = 0, blue = 0] = context.getImageData(x, y, 1, 1).data;
    return red + green + blue;
  };
  const [white, black] = [brightness(0), brightness(1)];
  if (white - black < 200) return null;
  const bits = (from: number, to: number) => {
    let value = 0;
    for (let index = from; index <= to; index += 1)
      value = value * 2 + (brightness(index) > (white + black) / 2 ? 1 : 0);
    return value;
  };
  const frame = bits(2, 11);
  // 0 would end the wait no more than `null` does, so frames are counted from 1 here.
  return frame % 15 === bits(12, 15) ? frame + 1 : null;
}
