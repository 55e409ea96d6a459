/** @import {ParticipantSnapshot, Snapshot, StageSnapshot} from './snapshot.ts' */

/** Points of a participant's video curve: one a second, the last minute. */
const CURVE_POINTS = 60;

/** A participant's video curve by id: kbit/s, oldest first. @type {Map<string, number[]>} */
const curves = new Map();

let lastPointMs = 0;

/** @param {string} id @returns {HTMLElement} */
function element(id) {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`The page has no #${id}.`);
  return found;
}

/**
 * Makes an element of a template, with the texts in its places.
 *
 * @param {string} templateId
 * @param {Record<string, string | number>} texts
 * @returns {HTMLElement}
 */
function fill(templateId, texts) {
  const template = element(templateId);
  const root =
    template instanceof HTMLTemplateElement ? template.content.firstElementChild?.cloneNode(true) : undefined;
  if (!(root instanceof HTMLElement)) throw new Error(`#${templateId} is not a template with an element in it.`);
  for (const place of root.querySelectorAll('[data-text]')) {
    place.textContent = String(texts[place.getAttribute('data-text') ?? ''] ?? '');
  }
  return root;
}

/** @param {string} operation @param {object} request */
function command(operation, request) {
  return `curl -s ${location.origin}/${operation} -H 'content-type: application/json' \\\n  -d '${JSON.stringify(request)}'`;
}

/** @param {number} kbps */
const bitrate = (kbps) => (kbps >= 1_000 ? `${(kbps / 1_000).toFixed(1)} Mbit/s` : `${kbps} kbit/s`);

/** @param {number} fromMs @param {number} toMs */
function duration(fromMs, toMs) {
  const seconds = Math.max(0, Math.round((toMs - fromMs) / 1_000));
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** @param {ParticipantSnapshot} participant @returns {HTMLElement} */
function participantRow({ id, userId, audioMuted, videoStopped, isConnected, publication, subscribedTo }) {
  const muted = [audioMuted && 'audio muted', videoStopped && 'video stopped'].filter(Boolean).join(', ');
  const row = fill('participant', {
    name: userId || id,
    id: userId === '' ? '' : id,
    publishes:
      publication === null ? 'no' : publication.state === 'connected' ? (publication.codec ?? 'yes') : 'connecting',
    muted: publication === null ? '' : muted,
    video: publication === null ? '' : `${bitrate(publication.videoKbps)}, ${publication.fps} fps`,
    audio: publication === null ? '' : bitrate(publication.audioKbps),
    subscribers: publication === null ? '' : publication.subscribers,
    subscribedTo: subscribedTo.join(', '),
  });
  row.classList.toggle('away', !isConnected && publication === null);
  row.querySelector('.badge')?.classList.add(publication?.state ?? 'none');
  row.querySelector('path')?.setAttribute('d', publication === null ? '' : curve(curves.get(id) ?? []));
  return row;
}

/** @param {readonly number[]} points @returns {string} */
function curve(points) {
  const top = Math.max(1_000, ...points);
  const left = CURVE_POINTS - points.length;
  return points.map((kbps, index) => `${index === 0 ? 'M' : 'L'}${left + index} ${19 - (kbps / top) * 18}`).join('');
}

/** @param {StageSnapshot} stage @param {number} nowMs @returns {HTMLElement} */
function stageCard({ arn, name, sessionId, sessionStartTimeMs, participants }, nowMs) {
  const card = fill('stage', {
    name: name || arn.slice(arn.lastIndexOf('/') + 1),
    session:
      sessionStartTimeMs === null ? 'no session' : `session ${sessionId}, ${duration(sessionStartTimeMs, nowMs)}`,
    arn,
    tokenCommand: command('CreateParticipantToken', { stageArn: arn }),
  });
  card.querySelector('tbody')?.replaceChildren(...participants.map(participantRow));
  card.querySelector('.scroll')?.toggleAttribute('hidden', participants.length === 0);
  card.querySelector('.empty')?.toggleAttribute('hidden', participants.length > 0);
  return card;
}

/** @param {readonly ParticipantSnapshot[]} participants @param {number} stages */
function showTotals(participants, stages) {
  const publications = participants.flatMap(({ publication }) => (publication === null ? [] : [publication]));
  const kbps = publications.reduce((sum, one) => sum + one.videoKbps + one.audioKbps, 0);
  const totals = {
    Stages: stages,
    Participants: participants.length,
    Publishers: publications.length,
    In: bitrate(kbps),
  };
  element('totals').replaceChildren(
    ...Object.entries(totals).map(([label, value]) => {
      const group = document.createElement('div');
      const term = document.createElement('dt');
      const description = document.createElement('dd');
      term.textContent = label;
      description.textContent = String(value);
      group.append(term, description);
      return group;
    }),
  );
}

/** @param {Snapshot} snapshot */
function addToCurves({ takenAtMs, stages }) {
  if (takenAtMs - lastPointMs < 900) return;
  lastPointMs = takenAtMs;
  const present = new Set();
  for (const { id, publication } of stages.flatMap(({ participants }) => participants)) {
    if (publication === null) continue;
    present.add(id);
    curves.set(id, [...(curves.get(id) ?? []), publication.videoKbps].slice(-CURVE_POINTS));
  }
  for (const id of curves.keys()) if (!present.has(id)) curves.delete(id);
}

/** @param {string} text */
function notify(text) {
  element('notice').textContent = text;
  element('notice').hidden = text === '';
}

/** @param {Snapshot} snapshot */
function show(snapshot) {
  addToCurves(snapshot);
  const { stages, takenAtMs, armedFaults } = snapshot;
  showTotals(
    stages.flatMap(({ participants }) => participants),
    stages.length,
  );
  const busyFirst = stages.toSorted(
    (one, other) => Number(other.participants.length > 0) - Number(one.participants.length > 0),
  );
  const none = () => fill('none', { stageCommand: command('CreateStage', { name: 'my-stage' }) });
  // Rebuilding would take away the text that a person is selecting.
  if (getSelection()?.isCollapsed ?? true) {
    element('stages').replaceChildren(
      ...(stages.length === 0 ? [none()] : busyFirst.map((stage) => stageCard(stage, takenAtMs))),
    );
  }
  notify(
    armedFaults === 0
      ? ''
      : `The test control has ${armedFaults} fault${armedFaults === 1 ? '' : 's'} waiting to strike.`,
  );
}

const live = new EventSource('live');
live.onmessage = (/** @type {MessageEvent<string>} */ { data }) => show(JSON.parse(data));
live.onerror = () => notify('The local stage does not answer: it was stopped, or it is starting again.');
