import { DescribeServicesCommand, ECSClient, GetTaskProtectionCommand, ListTasksCommand } from '@aws-sdk/client-ecs';
import type { Target } from './options.ts';

export interface PoolState {
  readonly desired: number;
  readonly running: number;
  readonly pending: number;
  /** Tasks that neither scale-in nor a deployment may stop. */
  readonly protected: number;
  /** What ECS last told of the service. */
  readonly lastEvent: string;
}

/** The ECS service whose tasks are the pool. */
export class Pool {
  readonly #client: ECSClient;
  readonly #cluster: string;
  readonly #service: string;

  constructor(region: string, { cluster, name }: NonNullable<Target['service']>) {
    this.#client = new ECSClient({ region });
    this.#cluster = cluster;
    this.#service = name;
  }

  async read(): Promise<PoolState> {
    const cluster = this.#cluster;
    const [{ services }, { taskArns = [] }] = await Promise.all([
      this.#client.send(new DescribeServicesCommand({ cluster, services: [this.#service] })),
      // The first hundred, which is as many as GetTaskProtection takes.
      this.#client.send(new ListTasksCommand({ cluster, serviceName: this.#service })),
    ]);
    const service = services?.[0];
    if (service === undefined) throw new Error(`ECS knows no service ${this.#service} in the cluster ${cluster}.`);
    const { protectedTasks = [] } =
      taskArns.length === 0 ? {} : await this.#client.send(new GetTaskProtectionCommand({ cluster, tasks: taskArns }));
    return {
      desired: service.desiredCount ?? 0,
      running: service.runningCount ?? 0,
      pending: service.pendingCount ?? 0,
      protected: protectedTasks.filter(({ protectionEnabled }) => protectionEnabled).length,
      lastEvent: service.events?.[0]?.message ?? 'none',
    };
  }

  close(): void {
    this.#client.destroy();
  }
}

export function describePool({ desired, running, pending, protected: count, lastEvent }: PoolState): string {
  return `desired ${desired}, running ${running}, pending ${pending}, protected ${count}; ${lastEvent}`;
}
