import type { SessionState } from '../../machines/protocol.ts';
import type { SessionSnapshot } from '../../machines/session.ts';
import { sessionStateOf } from '../../machines/session.ts';
import type { MediaFigures } from '../../machines/session-link.ts';
import type { ServerState } from '../server-link.ts';
import type { MediaTracks } from '../stage/stage-port.ts';
import { element } from './element.ts';

export interface ViewActions {
  onToken(token: string): void;
  onLeave(): void;
  onAgain(): void;
  onForget(): void;
}

/** What a person sees of the page. */
export interface View {
  /** How the page stands with the server at `url`. Until it is told, the page is one that was given a token. */
  showServer(url: string, state: ServerState): void;
  show(snapshot: SessionSnapshot, tracks: MediaTracks | null): void;
  showFigures(figures: MediaFigures): void;
  /** Adds a line to what happened. */
  note(text: string): void;
}

const SENTENCES: Record<SessionState, string> = {
  idle: 'Not on a stage.',
  joining: 'Joining the stage …',
  joined: 'On the stage. Waiting for the first picture of the asset …',
  publishing: 'On the stage. Publishing …',
  published: 'Live on the stage.',
  reconnecting: 'The stage was lost. Joining it again …',
  leaving: 'Leaving the stage …',
  failed: 'This did not work.',
};
/** How a session that did not fail came to its end. */
const ENDS: Record<string, string> = {
  PARTICIPANT_DISCONNECTED: 'IVS took this participant off the stage.',
  STAGE_DELETED: 'The stage was deleted.',
  ENDED: 'The asset is over, and the stage was left.',
  LEFT: 'The stage was left.',
  KICKED: 'The participant was kicked.',
  MAX_DURATION: 'The time on the stage is over.',
  SUPERSEDED: 'Another invite took its place.',
};
/** What a page without a token waits for. */
const SERVER_SENTENCES: Record<ServerState, (url: string) => string> = {
  waiting: (url) =>
    `This page needs a participant token to join a stage. It waits for a server at ${url} to give it one.`,
  connected: (url) => `The server at ${url} has no invite for this page yet.`,
  replaced: () => 'Another page took the place of this one. Load this page anew to take it back.',
};
const SERVER_NEWS: Record<ServerState, string> = {
  waiting: 'The connection to the server is lost. It is being made again.',
  connected: 'The server is there.',
  replaced: 'Another page took the place of this one.',
};
const LINES_KEPT = 50;

/** Builds the page's view inside `root`. */
export function createView(root: Element, actions: ViewActions): View {
  const badge = element('span', { className: 'badge', id: 'state' });
  const sentence = element('p', { className: 'sentence' });
  const preview = element('video', { muted: true, autoplay: true, playsInline: true, id: 'preview' });
  const facts = element('dl', { className: 'facts' });
  const log = element('ol', { className: 'log', id: 'log' });
  const leave = element('button', { id: 'leave', textContent: 'Leave the stage', onclick: actions.onLeave });
  const again = element('button', { id: 'again', textContent: 'Join again', onclick: actions.onAgain });
  const forget = element('button', { id: 'forget', textContent: 'Use another token', onclick: actions.onForget });
  const input = element('input', { name: 'token', autocomplete: 'off', spellcheck: false, required: true });
  const form = element('form', { id: 'ask', hidden: true }, [
    element('label', {}, ['Participant token', input]),
    element('p', {
      className: 'hint',
      textContent:
        'Make one in the Amazon IVS console (your stage, “Create a participant token”, with PUBLISH), with “aws ivs-realtime create-participant-token”, or with a local stage.',
    }),
    element('button', { textContent: 'Join and publish' }),
  ]);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    actions.onToken(input.value.trim());
  });
  const panel = element('div', { className: 'panel' }, [
    element('div', { className: 'headline' }, [badge, sentence]),
    form,
    facts,
    element('div', { className: 'buttons' }, [leave, again, forget]),
    log,
  ]);
  root.replaceChildren(
    element('h1', { textContent: 'Virtual participant' }),
    element('div', { className: 'columns' }, [element('div', { className: 'screen' }, [preview]), panel]),
  );

  let server: { state: ServerState; sentence: string } | null = null;
  let previewed: MediaStreamTrack | null = null;
  const values = new Map<string, HTMLElement>();
  const fact = (name: string, value: string | null) => {
    let cell = values.get(name);
    if (cell === undefined) {
      cell = element('dd', {});
      values.set(name, cell);
      facts.append(element('div', {}, [element('dt', { textContent: name }), cell]));
    }
    cell.textContent = value ?? '–';
  };
  const note = (text: string) => {
    const time = new Date().toLocaleTimeString([], { hour12: false });
    log.prepend(element('li', {}, [element('time', { textContent: time }), ` ${text}`]));
    while (log.childElementCount > LINES_KEPT) log.lastElementChild?.remove();
  };

  return {
    note,
    showServer(url, state) {
      if (server !== null) note(SERVER_NEWS[state]);
      server = { state, sentence: SERVER_SENTENCES[state](url) };
    },
    show(snapshot, tracks) {
      const state = sessionStateOf(snapshot);
      const { onStage, source, ended, reason } = snapshot.context;
      const isOver = state === 'idle' || state === 'failed';
      const end = isOver && ended ? (ended.failure?.message ?? ENDS[ended.reason]) : undefined;
      const idle = server?.sentence ?? SENTENCES.idle;
      sentence.textContent = end ?? (isOver ? idle : SENTENCES[state]);
      if (badge.textContent !== state) note(end ?? SENTENCES[state] + (reason && !isOver ? ` (${reason})` : ''));
      badge.textContent = state;
      document.body.dataset['state'] = state;
      leave.hidden = isOver || state === 'leaving';
      again.hidden = !isOver || server !== null;
      forget.hidden = !isOver || server !== null;
      facts.hidden = isOver && server !== null;
      form.hidden = !isOver || server?.state !== 'waiting';
      fact('participant', onStage?.participantId ?? null);
      fact('stage', onStage?.stageArn ?? null);
      fact('source', source && `${source.kind}: ${source.name}`);
      const track = tracks?.video ?? null;
      if (previewed !== track) {
        previewed = track;
        preview.srcObject = track === null ? null : new MediaStream([track]);
      }
    },
    showFigures({ fps, frames, bytes, loops, rejoins }) {
      fact('sent', `${fps} fps · ${frames} frames · ${(bytes / 1e6).toFixed(1)} MB`);
      fact('loops', `${loops}`);
      fact('rejoins', `${rejoins}`);
    },
  };
}
