import type { PoolLimits } from '../policy.ts';
import type { Pattern } from './patterns.ts';
import { Pool } from './pool.ts';

export interface ChartOptions extends PoolLimits {
  /** As of the `Pool`. */
  startS: readonly [number, number];
  seed: number;
  /** Hours since the beginning of the pattern. */
  fromHour: number;
  untilHour: number;
}

const EVERY_S = 10 * 60;

/** How many tasks run and how many of them are taken while a pattern goes on, as a Mermaid chart. */
export function chart(pattern: Pattern, { fromHour, untilHour, ...options }: ChartOptions): string {
  const pool = new Pool(options);
  pattern.run(pool);
  const running: number[] = [];
  const taken: number[] = [];
  for (let atS = fromHour * 3_600; atS <= untilHour * 3_600; atS += EVERY_S) {
    pool.clock.run(atS);
    running.push(pool.service.running.length);
    taken.push(pool.counts.taken);
  }
  return `\`\`\`mermaid
xychart-beta
    x-axis "hour of the day" ${fromHour} --> ${untilHour}
    y-axis "tasks" 0 --> ${Math.max(...running)}
    line [${running.join(', ')}]
    line [${taken.join(', ')}]
\`\`\``;
}
