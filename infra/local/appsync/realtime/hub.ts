import type { Executor } from '../graphql/execute.ts';
import type { AppSyncSchema } from '../graphql/schema.ts';
import { matches, type Subscription } from './subscription.ts';

type Deliver = (payload: unknown) => void;

/** Takes what mutations return to those who subscribed to it. */
export interface Hub {
  /** @returns a function that ends the subscription */
  add(subscription: Subscription, deliver: Deliver): () => void;
  publish(mutation: string, selected: unknown): void;
}

/**
 * @param execute - looked up at each event, as executor and hub need each other
 */
export function createHub(schema: AppSyncSchema, execute: () => Executor): Hub {
  const subscriptions = new Map<Subscription, Deliver>();
  return {
    add(subscription, deliver) {
      subscriptions.set(subscription, deliver);
      return () => subscriptions.delete(subscription);
    },
    publish(mutation, selected) {
      const fed = schema.subscriptionsOf(mutation);
      for (const [subscription, deliver] of subscriptions) {
        const { field, mode, prepared } = subscription;
        const isFor = fed.includes(field) && matches(subscription, selected as Record<string, unknown>);
        // What fails here is in the response as an error; an event that nobody can be told of does not exist.
        if (isFor) void execute()(prepared, mode, { [field]: selected }).then(deliver);
      }
    },
  };
}
