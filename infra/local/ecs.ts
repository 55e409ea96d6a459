import { type Input, type JsonService, ServiceError, startJsonService } from './json-service.ts';

export interface LocalEcsService {
  desiredCount: number;
  /** ECS: ACTIVE, DRAINING while it is being deleted, INACTIVE after that. */
  status: 'ACTIVE' | 'DRAINING' | 'INACTIVE';
}

/** A running local ECS, for `AWS_ENDPOINT_URL_ECS`: the services of its control API alone. No task is ever run. */
export interface LocalEcs extends JsonService {
  /** By `cluster/service`. Tests change them as they like. */
  readonly services: Map<string, LocalEcsService>;
}

/** Starts the local ECS on any free port of loopback. */
export async function startEcs(): Promise<LocalEcs> {
  const services: LocalEcs['services'] = new Map();
  const nameOf = ({ cluster }: Input, service: unknown) => `${cluster}/${service}`;
  const describe = (input: Input, serviceName: string) => ({
    serviceName,
    ...services.get(nameOf(input, serviceName)),
  });
  const api = await startJsonService({
    DescribeServices(input) {
      const asked = input['services'] as string[];
      const isKnown = (name: string) => services.has(nameOf(input, name));
      return {
        services: asked.filter(isKnown).map((name) => describe(input, name)),
        failures: asked.filter((name) => !isKnown(name)).map((arn) => ({ arn, reason: 'MISSING' })),
      };
    },
    UpdateService(input) {
      const { service: name, desiredCount } = input;
      const service = services.get(nameOf(input, name));
      if (!service) throw new ServiceError('ServiceNotFoundException', 'Service not found.');
      if (service.status !== 'ACTIVE') throw new ServiceError('ServiceNotActiveException', 'Service was not ACTIVE.');
      // Whoever only wants a new deployment does not say how many.
      if (desiredCount !== undefined) service.desiredCount = Number(desiredCount);
      return { service: describe(input, String(name)) };
    },
  });
  return { ...api, services };
}
