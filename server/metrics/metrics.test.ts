import { createActor } from 'xstate';
import { type ParticipantActor, participantMachine } from '../../machines/participant.ts';
import { createLog } from '../log.ts';
import type { LogLevel } from '../settings.ts';
import { type Metrics, startMetrics } from './metrics.ts';

let metrics: Metrics;
let lines: string[];

function start(namespace: string | null, logLevel: LogLevel): ParticipantActor {
  lines = [];
  const log = createLog({ vpId: 'vp-1', logLevel }, { destination: { write: (line) => lines.push(line) } });
  const actor = createActor(participantMachine).start();
  actor.send({ type: 'page.ready' });
  metrics = startMetrics({ vpId: 'vp-1', version: '1.2.3', namespace, log, actor });
  actor.send({ type: 'control.online' });
  metrics.onStats({
    type: 'vp.stats',
    state: 'published',
    participantId: null,
    frames: 30,
    bytes: 1_000,
    fps: 30,
    mediaTimeMs: 0,
    loops: 0,
    rejoins: 0,
  });
  return actor;
}

describe('startMetrics', () => {
  it('tells Prometheus and CloudWatch the same', async () => {
    start('VP', 'info');
    metrics.close();
    expect(await metrics.page.text()).toMatch(
      /^vp_places_free 1\n(.*\n)*vp_frames_total 30\n(.*\n)*vp_bytes_total 1000$/m,
    );
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ vp: 'vp-1', Frames: 30, Bytes: 1_000 }]);
  });

  it.each(['error', 'silent'] as const)('tells CloudWatch also where LOG_LEVEL is %s', (logLevel) => {
    start('VP', logLevel);
    metrics.close();
    expect(lines).toHaveLength(1);
  });

  it('writes no line without a namespace', () => {
    start(null, 'trace');
    metrics.close();
    expect(lines).toEqual([]);
  });

  it('measures no more once it is closed', async () => {
    const actor = start('VP', 'info');
    metrics.close();
    actor.send({ type: 'control.offline' });
    metrics.close();
    expect(await metrics.page.text()).toMatch(/^vp_places_free 1$/m);
    expect(lines).toHaveLength(1);
  });
});
