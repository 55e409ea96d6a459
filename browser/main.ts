import { forgetToken, readAddress, rememberToken } from './address.ts';
import { sourceFor } from './processor/sources.ts';
import { createTracks } from './processor/tracks.ts';
import { DEFAULT_WEBSOCKET_URL, linkToServer, reportSession } from './server-link.ts';
import { startSession } from './session.ts';
import { createIvsStage } from './stage/ivs-stage.ts';
import { describeNews } from './stage/news.ts';
import { createView } from './view/view.ts';

const handover = window.__vp;
const { participantToken, asset } = readAddress(location, history, sessionStorage);
const inspectUrl = handover?.inspectUrl;
const session = startSession({
  ...(inspectUrl !== undefined && {
    inspect: (await import('./inspect.ts')).inspectTo(inspectUrl, handover?.secret),
  }),
  stage: createIvsStage(handover),
  sourceFor,
  createTracks,
  onNews: (news) => {
    const text = describeNews(news);
    if (text !== null) view.note(text);
  },
});
const view = createView(document.querySelector('#view') ?? document.body, {
  onToken: (token) => {
    rememberToken(sessionStorage, token);
    location.reload();
  },
  onLeave: () => session.actor.send({ type: 'session.stop', reason: 'LEFT' }),
  onAgain: () => location.reload(),
  onForget: () => {
    forgetToken(sessionStorage);
    location.reload();
  },
});

// Whoever embeds the page, from the same origin, hears of it what a server would hear.
reportSession(session, (message) => parent.postMessage(message, location.origin));
// Where nobody looks, a picture of what is sent would only cost.
const previewed = () => (handover ? null : session.tracks());
session.actor.subscribe((snapshot) => view.show(snapshot, previewed()));
setInterval(() => view.showFigures(session.figures()), 500);

if (participantToken === null) {
  const url = handover?.webSocketUrl ?? DEFAULT_WEBSOCKET_URL;
  linkToServer({
    session,
    url,
    ...(handover?.secret !== undefined && { secret: handover.secret }),
    onState: (state) => {
      view.showServer(url, state);
      view.show(session.actor.getSnapshot(), previewed());
    },
    onProblem: (text) => console.warn(text),
  });
} else {
  session.actor.send({ type: 'session.start', invite: { epoch: 0, participantToken, stageArn: null, asset } });
}
