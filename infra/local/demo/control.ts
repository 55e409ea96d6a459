import type { VpStatus } from '../../../machines/status.ts';
import { type AppSyncClient, createAppSyncClient } from '../../../server/appsync/client.ts';

/** A virtual participant as its subscribers see it, and when. */
export interface Seen {
  status: VpStatus | null;
  epoch: number;
  reason: string | null;
  failure: { code: string; origin: string; retryable: boolean; message: string } | null;
  participantId: string | null;
  source: string | null;
  /** When it was heard, in milliseconds since the epoch. */
  atMs: number;
}

/** What anybody may do from anywhere: invite, kick and watch. */
export interface Control {
  /** The newest that was seen. */
  present(): Seen | null;
  onSeen(listener: (seen: Seen) => void): () => void;
  /** Resolves when a status is seen, now or later. */
  until(what: string, matches: (seen: Seen) => boolean, timeoutMs: number): Promise<Seen>;
  /** Resolves with the epoch of the invite. */
  invite(input: {
    id: string;
    stageArn: string;
    assetName: string | null;
    userId?: string;
    maxDurationSeconds?: number;
  }): Promise<number>;
  /** Ends the invite of that epoch. Default: the present one. */
  kick(id: string, epoch?: number): Promise<void>;
  close(): Promise<void>;
}

// Subscribers see the fields that the caller of a mutation selected: so all of them, each time.
const ALL = `fragment All on VirtualParticipant {
  id status epoch version alive stageArn participantId userId attributes { name value } assetName loop
  maxDurationSeconds source failure { code origin retryable message } reason updatedAt lastSeenAt
}`;
const GET = `query Get($id: ID!) { getVirtualParticipant(id: $id) { ...All } } ${ALL}`;
const WATCH = `subscription Watch($id: ID) { onVirtualParticipantChanged(id: $id) { ...All } } ${ALL}`;
const INVITE = `mutation Invite($input: InviteVirtualParticipantInput!) {
  inviteVirtualParticipant(input: $input) { ...All }
} ${ALL}`;
const KICK = `mutation Kick($input: KickVirtualParticipantInput!) { kickVirtualParticipant(input: $input) { ...All } } ${ALL}`;

type Answer = Omit<Seen, 'atMs'> & { version: number };

/** Watches one virtual participant through GraphQL; resolves once the subscription is there. */
export async function watch(url: string, apiKey: string, id: string): Promise<Control> {
  const client: AppSyncClient = createAppSyncClient({ url, apiKey });
  const listeners = new Set<(seen: Seen) => void>();
  let present: Seen | null = null;
  let version = -1;

  const see = (answer: Answer | null) => {
    if (answer === null || answer.version <= version) return;
    version = answer.version;
    present = { ...answer, atMs: now() };
    for (const listener of [...listeners]) listener(present);
  };
  await new Promise<void>((resolve, reject) => {
    client.subscribe(
      WATCH,
      { id },
      {
        // It comes again after each loss; a read that fails then is made good by the next.
        onReady() {
          client.request(GET, { id }).then(({ getVirtualParticipant }) => {
            see(getVirtualParticipant as Answer | null);
            resolve();
          }, reject);
        },
        onDelivery: (data) => see((data as { onVirtualParticipantChanged: Answer }).onVirtualParticipantChanged),
        onLost: reject,
      },
    );
  });

  const control: Control = {
    present: () => present,
    onSeen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    until: (what, matches, timeoutMs) =>
      new Promise((resolve, reject) => {
        if (present !== null && matches(present)) return resolve(present);
        const timer = setTimeout(() => {
          stop();
          reject(new Error(`"${what}" was not seen in ${timeoutMs} ms; the status is ${present?.status}.`));
        }, timeoutMs);
        const stop = control.onSeen((seen) => {
          const failed = seen.status === 'ERRORED' && !matches(seen);
          if (!failed && !matches(seen)) return;
          clearTimeout(timer);
          stop();
          if (failed) reject(new Error(seen.failure?.message ?? 'The virtual participant failed.'));
          else resolve(seen);
        });
      }),
    async invite(input) {
      const { inviteVirtualParticipant } = await client.request(INVITE, { input });
      return (inviteVirtualParticipant as Answer).epoch;
    },
    async kick(participant, epoch) {
      await client.request(KICK, {
        input: { id: participant, reason: 'KICKED', ...(epoch !== undefined && { epoch }) },
      });
    },
    close: () => client.close(),
  };
  return control;
}

/** Milliseconds since the epoch with fractions: the clock of the pages, too. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
