import { LEGAL_PREDECESSORS, type VpStatus } from '../../../../machines/status.ts';
import type { TestClient, Vp } from './client.ts';
import { FAILURE, makeAvailable, OWNER, STAGE_ARN } from './control-plane.ts';

export const STATUSES = Object.keys(LEGAL_PREDECESSORS) as VpStatus[];

/** A report as the container sends it. */
export function reportOf({ id, epoch }: Vp, status: VpStatus) {
  return { id, owner: OWNER, epoch, status, ...(status === 'ERRORED' && { failure: FAILURE }) };
}

/** By which way a virtual participant comes to each status; `NONE`: it is registered and no more. */
export function waysTo(plane: { caller: TestClient; container: TestClient }) {
  const report = (vp: Vp, status: VpStatus) => plane.container.report(reportOf(vp, status));
  const ways: Record<VpStatus | 'NONE', (id: string) => Promise<Vp>> = {
    NONE: (id) => plane.container.register({ id, owner: OWNER }),
    AVAILABLE: (id) => makeAvailable(plane.container, id),
    async INVITED(id) {
      await ways.AVAILABLE(id);
      return plane.caller.invite({ stageArn: STAGE_ARN, id });
    },
    CONNECTED: async (id) => report(await ways.INVITED(id), 'CONNECTED'),
    PUBLISHED: async (id) => report(await ways.CONNECTED(id), 'PUBLISHED'),
    async KICKED(id) {
      await ways.PUBLISHED(id);
      return plane.caller.kick({ id, reason: 'KICKED' });
    },
    ERRORED: async (id) => report(await ways.INVITED(id), 'ERRORED'),
    STOPPED: async (id) => report(await ways.AVAILABLE(id), 'STOPPED'),
  };
  return ways;
}
