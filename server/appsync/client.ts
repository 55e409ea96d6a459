import { ApolloClient, ApolloLink, gql, InMemoryCache } from '@apollo/client';
import { BaseHttpLink } from '@apollo/client/link/http';
import { fromNodeProviderChain } from '@aws-sdk/credential-providers';
import { AUTH_TYPE, type AuthOptions, createAuthLink } from 'aws-appsync-auth-link';
import { CONTROL_EVENTS_KEY, createSubscriptionHandshakeLink } from 'aws-appsync-subscription-link';
import { OperationTypeNode } from 'graphql';
import { tap } from 'rxjs';
import { StartError } from '../errors.ts';
import { errorOfRequest, errorOfSubscription } from './apollo-errors.ts';
import { Attempt, outside } from './attempt.ts';
import { parseEndpoint } from './endpoint.ts';
import { unreachable } from './errors.ts';
import {
  type Subscription,
  type SubscriptionAttempt,
  type SubscriptionHandlers,
  subscribeForever,
} from './subscription.ts';

export interface AwsCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

export interface AppSyncClientOptions {
  /** `GRAPHQL_API_URL`. */
  url: string;
  /** `GRAPHQL_API_KEY`. Default: none, requests are signed with IAM. */
  apiKey?: string | null;
  /** `AWS_REGION`. Default: the region in the URL, where it has AWS's own shape. */
  region?: string | null;
  /** Default: the environment, the container's role and the rest of AWS's chain. */
  credentials?: () => Promise<AwsCredentials>;
}

/** A GraphQL API. Documents are texts, and variables exactly those that the document uses: IAM signs all of them. */
export interface AppSyncClient {
  /**
   * Sends a query or a mutation and gives its `data`.
   *
   * @param timeoutMs - until it is given up. Default: {@link REQUEST_TIMEOUT_MS}
   * @throws {AppSyncError} nothing else
   */
  request(document: string, variables: Variables, timeoutMs?: number): Promise<Record<string, unknown>>;
  /** Subscribes, and again after each loss, until it is closed. */
  subscribe(document: string, variables: Variables, handlers: SubscriptionHandlers): Subscription;
  /** Ends every request and subscription; resolves when no socket is left, within a second. */
  close(): Promise<void>;
}

export type Variables = Readonly<Record<string, unknown>>;

export const REQUEST_TIMEOUT_MS = 5_000;

/**
 * The one way to AppSync. The links need care in Node; each measure here is against a defect that was seen: an HTTP
 * link that adds nothing to the body after it was signed; credentials that never reject inside a link, where nobody
 * catches it; a subscription link of its own for each try, as its timers outlive a connection and then end the next
 * one; no cache, which would keep every delivery; no deduplication, which would let two subscriptions share one.
 *
 * @throws {StartError} if the URL is none, or the region is needed and unknown; it names the setting
 */
export function createAppSyncClient(options: AppSyncClientOptions): AppSyncClient {
  const { apiKey } = options;
  const { url, region } = parseEndpoint(options.url, options.region ?? null);
  if (!apiKey && region === null) {
    throw new StartError(
      'AWS_REGION: expected the region to sign GraphQL requests for, as GRAPHQL_API_URL does not name it.',
    );
  }

  const provider = options.credentials ?? fromNodeProviderChain();
  let credentials: AwsCredentials | null = null;
  const readyCredentials = async (): Promise<void> => {
    if (!apiKey) credentials = await provider();
  };
  const auth: AuthOptions = apiKey
    ? { type: AUTH_TYPE.API_KEY, apiKey }
    : { type: AUTH_TYPE.AWS_IAM, credentials: async () => credentials };
  const settings = { url, region: region ?? '', auth };
  const http = new BaseHttpLink({ uri: url });
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    devtools: { enabled: false },
    link: ApolloLink.from([
      // Apollo drops the message that a subscription is acknowledged: it has no data.
      new ApolloLink((operation, forward) =>
        forward(operation).pipe(
          tap((result) => {
            if (result.extensions?.['controlMsgType'] === 'CONNECTED') operation.getContext()['onReady']();
          }),
        ),
      ),
      // The links' types are those of CommonJS, of which the compiler knows no relation to Apollo's.
      createAuthLink(settings) as unknown as ApolloLink,
      ApolloLink.split(
        ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
        new ApolloLink((operation, forward) =>
          (createSubscriptionHandshakeLink(settings, http) as unknown as ApolloLink).request(operation, forward),
        ),
        http,
      ),
    ]),
  });

  let isClosed = false;
  const requests = new Set<AbortController>();
  const subscriptions = new Set<Subscription>();

  const open = (document: string, variables: Variables, handlers: SubscriptionHandlers): SubscriptionAttempt => {
    const attempt = new Attempt();
    const begin = async (): Promise<() => void> => {
      await readyCredentials();
      if (attempt.isOver) return () => {};
      const observable = client.subscribe({
        query: gql(document),
        variables,
        fetchPolicy: 'no-cache',
        errorPolicy: 'all',
        context: {
          queryDeduplication: false,
          controlMessages: { [CONTROL_EVENTS_KEY]: true },
          onReady: () => outside(handlers.onReady),
        },
      });
      let end = () => {};
      attempt.run(() => {
        const subscription = observable.subscribe({
          next: ({ data, error }) => {
            outside(() => {
              if (data) handlers.onDelivery(data);
              else handlers.onLost(errorOfSubscription(error, attempt.problem));
            });
          },
          complete: () => outside(() => handlers.onLost(unreachable('SUBSCRIPTION_ENDED', 'The subscription ended.'))),
        });
        end = () => subscription.unsubscribe();
      });
      return end;
    };
    const begun = begin().catch((error: unknown) => {
      handlers.onLost(errorOfRequest(error));
      return () => {};
    });
    void begun;
    return {
      async close() {
        void begun.then((end) => attempt.run(end));
        await attempt.end();
      },
    };
  };

  return {
    async request(document, variables, timeoutMs = REQUEST_TIMEOUT_MS) {
      if (isClosed) throw closed();
      const query = gql(document);
      const limit = new AbortController();
      requests.add(limit);
      const timer = setTimeout(() => limit.abort(timeout(timeoutMs)), timeoutMs);
      const aborted = new Promise<never>((_, reject) => {
        limit.signal.addEventListener('abort', () => reject(limit.signal.reason));
      });
      const send = async (): Promise<Record<string, unknown>> => {
        await readyCredentials();
        const isMutation = query.definitions.some((part) => 'operation' in part && part.operation === 'mutation');
        const common = {
          variables,
          fetchPolicy: 'no-cache',
          errorPolicy: 'all',
          context: { queryDeduplication: false, fetchOptions: { signal: limit.signal } },
        } as const;
        const { data, error } = isMutation
          ? await client.mutate<Record<string, unknown>>({ mutation: query, ...common })
          : await client.query<Record<string, unknown>>({ query, ...common });
        if (error) throw error;
        return data ?? {};
      };
      try {
        return await Promise.race([send(), aborted]);
      } catch (error) {
        throw errorOfRequest(limit.signal.aborted ? limit.signal.reason : error);
      } finally {
        clearTimeout(timer);
        requests.delete(limit);
      }
    },

    subscribe(document, variables, handlers) {
      const subscription = subscribeForever((events) => open(document, variables, events), handlers);
      subscriptions.add(subscription);
      return {
        ...subscription,
        close() {
          subscriptions.delete(subscription);
          return subscription.close();
        },
      };
    },

    async close() {
      isClosed = true;
      for (const limit of requests) limit.abort(closed());
      client.stop();
      await Promise.all([...subscriptions].map((subscription) => subscription.close()));
    },
  };
}

function closed() {
  return unreachable('CLOSED', 'The client of the GraphQL API is closed.');
}

function timeout(timeoutMs: number) {
  return unreachable('TIMEOUT', `The GraphQL API did not answer within ${timeoutMs / 1_000} s.`);
}
