import type { Api } from '../api/api.ts';
import type { Handler } from '../function.ts';
import type { Pool } from '../pool/pool-construct.ts';
import type { Service } from '../service/service.ts';
import type { Settings } from '../settings.ts';
import type { StatusEvents } from '../status-events/status-events.ts';

/** What alarms and dashboard look at. */
export interface ObservabilityProps {
  readonly settings: Settings;
  readonly api: Api;
  readonly service: Service;
  readonly pool: Pool;
  readonly events: StatusEvents;
  readonly rotation: Handler;
}
