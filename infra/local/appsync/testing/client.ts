import { ApolloClient, ApolloLink, CombinedGraphQLErrors, gql, InMemoryCache } from '@apollo/client';
import { SetContextLink } from '@apollo/client/link/context';
import { BaseHttpLink } from '@apollo/client/link/http';
import { AUTH_TYPE, type AuthOptions, createAuthLink } from 'aws-appsync-auth-link';
import { CONTROL_EVENTS_KEY, createSubscriptionHandshakeLink } from 'aws-appsync-subscription-link';
import { tap } from 'rxjs';
import { WebSocket } from 'ws';
import type { Credentials } from '../auth/sigv4.ts';

/** All that a mutation should select, so that every subscriber sees it. */
export const ALL_FIELDS = `id status epoch version alive stageArn participantId userId attributes { name value } assetName
  loop maxDurationSeconds source failure { code origin retryable message } reason updatedAt lastSeenAt`;

/** A virtual participant as a response has it. */
export type Vp = Record<string, unknown>;

/** An error of a field, with what AppSync says besides its message. */
export interface Refusal {
  errorType: string;
  message: string;
  errorInfo: Record<string, unknown>;
}

export interface Watch {
  /** Resolves when the subscription is acknowledged. */
  ready: Promise<void>;
  /** The next delivery that was not taken yet: its data, and its errors' messages if it has any. */
  next(): Promise<{ data: unknown; errors?: string[] }>;
  /** Deliveries that nobody has taken yet. */
  pending(): number;
  end(): void;
}

/** The links leave timers behind for 15 s and more, which would keep the test's process from ending. */
function unrefLongTimers(): void {
  const { setTimeout: original } = globalThis;
  if (original.name === 'setTimeoutUnref') return;
  globalThis.setTimeout = Object.assign(function setTimeoutUnref(...args: Parameters<typeof original>) {
    const timer = original(...args);
    return (args[1] ?? 0) >= 15_000 ? timer.unref() : timer;
  }, original);
}

/** The unmodified client libraries of AppSync, put together as they must be to work in Node. */
export function createTestClient(url: string, caller: { apiKey: string } | { credentials: Credentials }) {
  Object.assign(globalThis, { WebSocket });
  unrefLongTimers();
  const auth: AuthOptions =
    'apiKey' in caller
      ? { type: AUTH_TYPE.API_KEY, apiKey: caller.apiKey }
      : { type: AUTH_TYPE.AWS_IAM, credentials: caller.credentials };
  const settings = { url, region: 'eu-west-1', auth };
  const watches = new Set<Watch>();
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    defaultOptions: {
      query: { fetchPolicy: 'no-cache' },
      mutate: { fetchPolicy: 'no-cache' },
    },
    link: ApolloLink.from([
      new SetContextLink(() => ({ controlMessages: { [CONTROL_EVENTS_KEY]: true } })),
      new ApolloLink((operation, forward) =>
        forward(operation).pipe(
          tap((result) => {
            if (result.extensions?.['controlMsgType'] === 'CONNECTED') operation.getContext()['onReady']?.();
          }),
        ),
      ),
      // Apollo has types of its own for ES modules and for CommonJS, and the links know only the latter.
      createAuthLink(settings) as unknown as ApolloLink,
      createSubscriptionHandshakeLink(settings, new BaseHttpLink({ uri: url })) as unknown as ApolloLink,
    ]),
  });

  const mutate = async (field: string, input: object, selection: string): Promise<Vp> => {
    const type = `${field[0]?.toUpperCase()}${field.slice(1)}Input`;
    const { data } = await client.mutate<Record<string, Vp>>({
      mutation: gql(`mutation Change($input: ${type}!) { ${field}(input: $input) { ${selection} } }`),
      variables: { input },
    });
    return { ...data?.[field] };
  };

  return {
    invite: (input: object, selection = ALL_FIELDS) => mutate('inviteVirtualParticipant', input, selection),
    kick: (input: object, selection = ALL_FIELDS) => mutate('kickVirtualParticipant', input, selection),
    register: (input: object, selection = ALL_FIELDS) => mutate('registerVirtualParticipant', input, selection),
    report: (input: object, selection = ALL_FIELDS) => mutate('reportVirtualParticipant', input, selection),
    heartbeat: (input: object, selection = ALL_FIELDS) => mutate('heartbeatVirtualParticipant', input, selection),

    async get(id: string): Promise<Vp | null> {
      const { data } = await client.query<{ getVirtualParticipant: Vp | null }>({
        query: gql(`query Get($id: ID!) { getVirtualParticipant(id: $id) { ${ALL_FIELDS} } }`),
        variables: { id },
      });
      return data?.getVirtualParticipant ?? null;
    },

    async list(variables: object): Promise<{ items: Vp[]; nextToken: string | null }> {
      const { data } = await client.query<{ listVirtualParticipants: { items: Vp[]; nextToken: string | null } }>({
        query: gql(`query List($status: VpStatus, $limit: Int, $nextToken: String) {
          listVirtualParticipants(status: $status, limit: $limit, nextToken: $nextToken) { items { id } nextToken } }`),
        variables,
      });
      return data?.listVirtualParticipants ?? { items: [], nextToken: null };
    },

    /** Subscribes with the document `subscription ... { onVirtualParticipantChanged...` that is given. */
    watch(document: string, variables: Record<string, unknown> = {}): Watch {
      const deliveries: { data: unknown; errors?: string[] }[] = [];
      const waiting: ((delivery: { data: unknown; errors?: string[] }) => void)[] = [];
      let isReady = () => {};
      const ready = new Promise<void>((resolve) => {
        isReady = resolve;
      });
      const subscription = client
        .subscribe<{ onVirtualParticipantChanged: unknown }>({
          query: gql(document),
          variables,
          fetchPolicy: 'no-cache',
          errorPolicy: 'all',
          context: { queryDeduplication: false, onReady: isReady },
        })
        .subscribe(({ data, error }) => {
          const delivery = {
            data: data?.onVirtualParticipantChanged ?? null,
            ...(error && { errors: messagesOf(error) }),
          };
          const taker = waiting.shift();
          if (taker) taker(delivery);
          else deliveries.push(delivery);
        });
      const watch: Watch = {
        ready,
        next: () => {
          const delivery = deliveries.shift();
          return delivery ? Promise.resolve(delivery) : new Promise((resolve) => waiting.push(resolve));
        },
        pending: () => deliveries.length,
        end() {
          watches.delete(watch);
          subscription.unsubscribe();
        },
      };
      watches.add(watch);
      return watch;
    },

    stop(): void {
      for (const watch of watches) watch.end();
      client.stop();
    },
  };
}

export type TestClient = ReturnType<typeof createTestClient>;

/** Why a call was refused. @throws {Error} if it was not */
export async function refusalOf(call: Promise<unknown>): Promise<Refusal> {
  try {
    await call;
  } catch (error) {
    if (!(error instanceof CombinedGraphQLErrors)) throw error;
    const { errorType, message, errorInfo } = error.errors[0] as unknown as Refusal;
    return { errorType, message, errorInfo };
  }
  throw new Error('Expected the call to be refused, but it was successful.');
}

/** The links hide what they were told in `cause`. */
function messagesOf(error: Error): string[] {
  const inside = error.cause as { errors?: { message: string }[] } | undefined;
  const errors = error instanceof CombinedGraphQLErrors ? error.errors : inside?.errors;
  return errors?.map(({ message }) => message) ?? [error.message];
}
