import type { PageMessage } from '../../../../machines/protocol.ts';
import { participantIn } from './participant.ts';
import { type RunFigures, runOnce } from './run.ts';
import { now, startViewer, type Viewer } from './viewer.ts';

/** What the demo's own server tells its page. */
interface DemoSettings {
  asset: string;
  stagePageUrl: string;
}

declare global {
  interface Window {
    /** For programs: with `?once`, nobody is invited until they ask for it. */
    demo?: { viewer: Viewer; runOnce: () => Promise<RunFigures> };
  }
}

const find = <T extends Element>(selector: string): T => {
  const found = document.querySelector<T>(selector);
  if (found === null) throw new Error(`The demo's page has no ${selector}.`);
  return found;
};
const post = async <T>(path: string, body: object = {}): Promise<T> => {
  const response = await fetch(path, { method: 'POST', body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return (await response.json()) as T;
};
const makeToken = async (userId: string) => (await post<{ token: string }>('/demo/token', { userId })).token;

const steps = find<HTMLOListElement>('#steps');
const word = find<HTMLParagraphElement>('#word');
const invite = find<HTMLButtonElement>('#invite');
const leave = find<HTMLButtonElement>('#leave');
const participant = participantIn(find('#participant'));

const [settings, viewer] = await Promise.all([
  post<DemoSettings>('/demo/settings'),
  makeToken('viewer').then((token) => startViewer(token, find('#viewer'))),
]);
find<HTMLAnchorElement>('#stage-page').href = settings.stagePageUrl;

let beganAt = 0;
function step(name: string, atMs: number, kind = ''): void {
  const item = document.createElement('li');
  item.dataset['kind'] = kind;
  item.innerHTML = '<span></span><b></b>';
  item.children[0]?.append(name);
  item.children[1]?.append(`${Math.round(atMs - beganAt)} ms`);
  steps.append(item);
}

participant.on((message: PageMessage, atMs) => {
  if (message.type === 'vp.stats') {
    if (message.state === 'joining' && steps.childElementCount === 0) beganAt = atMs;
    const isOver = message.state === 'idle' || message.state === 'failed';
    leave.disabled = isOver;
    invite.disabled = !isOver;
    return;
  }
  if (message.type === 'vp.joined_stage') step('joined', atMs);
  if (message.type === 'vp.published') step('published', atMs, 'good');
  if (message.type === 'vp.unpublished') step(`unpublished: ${message.reason}`, atMs);
  if (message.type === 'vp.left_stage') step(`left: ${message.reason ?? ''}`, atMs);
  if (message.type === 'vp.error') {
    step('failed', atMs, 'bad');
    word.textContent = message.error;
  }
});

async function begin(): Promise<void> {
  steps.replaceChildren();
  word.textContent = '';
  invite.disabled = true;
  void viewer.firstFrame().then((atMs) => step('first picture at the viewer', atMs, 'good'));
  participant.invite(await makeToken('virtual participant'), settings.asset);
}
invite.addEventListener('click', begin);
leave.addEventListener('click', () => participant.leave());

let last = { ...viewer.figures(), atMs: now() };
setInterval(() => {
  const figures = { ...viewer.figures(), atMs: now() };
  const fps = ((figures.frames - last.frames) / (figures.atMs - last.atMs)) * 1_000;
  find('#viewer-figures').textContent = `${figures.width} × ${figures.height} · ${Math.max(fps, 0).toFixed(1)} fps`;
  last = figures;
}, 2_000);

window.demo = {
  viewer,
  runOnce: async () => {
    steps.replaceChildren();
    const token = await makeToken('virtual participant');
    return runOnce({ participant, viewer, token, asset: settings.asset });
  },
};
if (!new URLSearchParams(location.search).has('once')) await begin();
