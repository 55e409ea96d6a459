import type { VpStatus } from '../../../machines/status.ts';
import { LEGAL_PREDECESSORS } from '../../../machines/status.ts';

/**
 * A condition that is met by the statuses which `status` may directly follow, with the values it binds. It names the
 * attribute as `#status`.
 *
 * @param except - a predecessor that is legal, but not for who asks; null: none
 */
export function followsLegally(status: VpStatus, except: VpStatus | null) {
  const values: Record<string, string> = {};
  const bound: string[] = [];
  for (const predecessor of LEGAL_PREDECESSORS[status]) {
    if (predecessor !== 'NONE' && predecessor !== except) {
      values[`:${predecessor}`] = predecessor;
      bound.push(`:${predecessor}`);
    }
  }
  const oneOf = `#status IN (${bound.join(', ')})`;
  const expression = LEGAL_PREDECESSORS[status].includes('NONE')
    ? `(${oneOf} OR attribute_not_exists(#status))`
    : oneOf;
  return { expression, values };
}
