import { LIMITS, type PageMessage } from '../machines/protocol.ts';
import { sessionStateOf } from '../machines/session.ts';
import { messagesBetween, statsOf } from '../machines/session-link.ts';
import { forgetToken, readAddress, rememberToken } from './address.ts';
import { sourceFor } from './processor/sources.ts';
import { createTracks } from './processor/tracks.ts';
import { startSession } from './session.ts';
import { createIvsStage } from './stage/ivs-stage.ts';
import { describeNews } from './stage/news.ts';
import { createView } from './view/view.ts';

const { participantToken, asset } = readAddress(location, history, sessionStorage);
const session = startSession({
  stage: createIvsStage(),
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

/** Whoever embeds the page, from the same origin, hears of it what a server would hear. */
function tell(message: PageMessage): void {
  parent.postMessage(message, location.origin);
}

let before = session.actor.getSnapshot();
session.actor.subscribe((snapshot) => {
  for (const message of messagesBetween(before, snapshot)) tell(message);
  if (sessionStateOf(before) !== sessionStateOf(snapshot)) tell(statsOf(snapshot, session.figures()));
  before = snapshot;
  view.show(snapshot, session.tracks());
});
setInterval(() => tell(statsOf(session.actor.getSnapshot(), session.figures())), LIMITS.statsIntervalMs);
setInterval(() => view.showFigures(session.figures()), 500);

if (participantToken === null) {
  view.askForToken();
} else {
  session.actor.send({ type: 'session.start', invite: { epoch: 0, participantToken, stageArn: null, asset } });
}
