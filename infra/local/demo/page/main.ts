import type { DemoNews, DemoSettings } from '../news.ts';
import { now, startViewer, type Viewer } from './viewer.ts';

declare global {
  interface Window {
    /** For programs that drive the page. */
    demo?: { viewer: Viewer };
  }
}

const find = <T extends Element>(selector: string): T => {
  const found = document.querySelector<T>(selector);
  if (found === null) throw new Error(`The demo's page has no ${selector}.`);
  return found;
};
const post = async <T>(path: string): Promise<T> => {
  const response = await fetch(path, { method: 'POST', body: '{}' });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error);
  return answer as T;
};

const steps = find<HTMLOListElement>('#steps');
const word = find<HTMLParagraphElement>('#word');
const invite = find<HTMLButtonElement>('#invite');
const kick = find<HTMLButtonElement>('#kick');
const figures = find('#viewer-figures');

const [settings, viewer] = await Promise.all([
  post<DemoSettings>('/demo/settings'),
  post<{ token: string }>('/demo/token').then(({ token }) => startViewer(token, find('#viewer'))),
]);
find<HTMLAnchorElement>('#stage-page').href = settings.stagePageUrl;
find('#graphql').textContent = settings.graphqlUrl;

let invitedAtMs: number | null = null;
let latest = '';
/** Who opens the page sees an invite at once; a program asks for its own. */
let greets = !new URLSearchParams(location.search).has('once');
function step(name: string, atMs: number, kind = ''): void {
  if (invitedAtMs === null) return;
  const item = document.createElement('li');
  item.dataset['kind'] = kind;
  item.innerHTML = '<span></span><b></b>';
  item.children[0]?.append(name);
  item.children[1]?.append(`${Math.round(atMs - invitedAtMs)} ms`);
  steps.append(item);
}

function show(news: DemoNews): void {
  if (news.type === 'machine') {
    find(`#${news.machine}-state`).textContent = news.state;
  } else if (news.type === 'invited') {
    invitedAtMs = news.atMs;
    steps.replaceChildren();
    word.textContent = '';
    void viewer.firstFrame().then((atMs) => step('first picture at the viewer', atMs, 'good'));
  } else {
    const { status, reason, failure, atMs } = news;
    const kinds: Record<string, string> = { PUBLISHED: 'good', ERRORED: 'bad', KICKED: 'bad' };
    const name = reason === null ? `${status}` : `${status} (${reason})`;
    if (name !== latest) step(name, atMs, kinds[status ?? '']);
    latest = name;
    // It stays until the next invite: AVAILABLE follows at once and says no more of it.
    if (failure !== null) word.textContent = failure;
    invite.disabled = status !== 'AVAILABLE';
    if (!invite.disabled && greets) {
      greets = false;
      invite.click();
    }
    kick.disabled = !['INVITED', 'CONNECTED', 'PUBLISHED'].includes(status ?? '');
  }
}

const events = new EventSource('/demo/events');
events.addEventListener('message', ({ data }: MessageEvent<string>) => show(JSON.parse(data)));
for (const [button, path] of [
  [invite, '/demo/invite'],
  [kick, '/demo/kick'],
] as const) {
  button.addEventListener('click', async () => {
    button.disabled = true;
    await post(path).catch((error: Error) => {
      word.textContent = error.message;
      button.disabled = false;
    });
  });
}

let last = { ...viewer.figures(), atMs: now() };
setInterval(() => {
  const next = { ...viewer.figures(), atMs: now() };
  const fps = Math.max(0, ((next.frames - last.frames) / (next.atMs - last.atMs)) * 1_000);
  figures.textContent =
    next.width === 0 ? 'nobody publishes' : `${next.width} × ${next.height} · ${fps.toFixed(1)} fps`;
  last = next;
}, 2_000);

window.demo = { viewer };
