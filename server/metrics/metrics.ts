import type { ParticipantActor } from '../../machines/participant.ts';
import type { VpStats } from '../../machines/protocol.ts';
import type { Log } from '../log.ts';
import type { RecordMetric } from './definitions.ts';
import { startEmf } from './emf.ts';
import { createObserver } from './observe.ts';
import { createPrometheus, type MetricsPage } from './prometheus.ts';

export interface MetricsOptions {
  vpId: string;
  /** Of the program. */
  version: string;
  /** `METRICS_NAMESPACE`; `null`: the log gets no metrics. */
  namespace: string | null;
  log: Log;
  actor: ParticipantActor;
}

/** The metrics of the process and its participant. */
export interface Metrics {
  readonly page: MetricsPage;
  onStats(stats: VpStats): void;
  /** Has the log tell what was counted since its last metrics. */
  close(): void;
}

/**
 * Measures a participant from now on, for `/metrics` and, with a namespace, for CloudWatch in the log. Those lines are
 * written whatever `LOG_LEVEL` says: how much is to be read is one question, whether the alarms work another.
 */
export function startMetrics({ vpId, version, namespace, log, actor }: MetricsOptions): Metrics {
  const prometheus = createPrometheus({ vp: vpId, version });
  const metricsLog = log.child({}, { level: 'info' });
  const emf =
    namespace === null ? null : startEmf({ namespace, write: (document) => metricsLog.info(document, 'metrics') });
  const record: RecordMetric = (name, value, labels) => {
    prometheus.record(name, value, labels);
    emf?.record(name, value, labels);
  };
  const observer = createObserver({ record });
  observer.onSnapshot(actor.getSnapshot());
  const subscription = actor.subscribe((snapshot) => observer.onSnapshot(snapshot));
  return {
    page: prometheus,
    onStats: (stats) => observer.onStats(stats),
    close() {
      subscription.unsubscribe();
      emf?.close();
    },
  };
}
