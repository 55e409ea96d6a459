import type { VpStatus } from '../../../machines/status.ts';

/** What the demo's server tells its page, as server-sent events. Times are milliseconds since the epoch. */
export type DemoNews =
  | { type: 'invited'; atMs: number }
  | {
      type: 'status';
      status: VpStatus | null;
      epoch: number;
      reason: string | null;
      failure: string | null;
      atMs: number;
    }
  | { type: 'machine'; machine: 'participant' | 'session'; state: string };

/** What the page asks for when it is opened. */
export interface DemoSettings {
  stagePageUrl: string;
  graphqlUrl: string;
}
