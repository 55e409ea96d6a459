import { randomUUID } from 'node:crypto';
import type { Admitted } from '../admission.ts';
import type { Fault, Faults } from '../control/faults.ts';
import type { Clock } from '../model/clock.ts';
import type { ClientInfo } from '../model/participant.ts';
import type { Limits, Registry } from '../model/registry.ts';
import type { Stage } from '../model/stage.ts';
import { Refusal } from '../refusal.ts';
import { OfferError, type PeerSession, type Publication, type Sfu, type Subscription } from '../sfu/sfu.ts';

/** A peer connection whose client never shows up is closed after this long; ICE and DTLS on loopback take under 1 s. */
export const CONNECT_TIMEOUT_MS = 15_000;

/** Ids of ended resources that are remembered for {@link Media.hasEnded}. */
const ENDED_IDS_KEPT = 10_000;

type Bearer = Pick<Admitted, 'stage' | 'identity'>;

interface Resource<Session extends PeerSession> {
  /** Unguessable: the `Location` of the resource. */
  readonly id: string;
  readonly stage: Stage;
  readonly participantId: string;
  readonly session: Session;
}
export interface PublishResource extends Resource<Publication> {
  readonly kind: 'publish';
}
export interface SubscribeResource extends Resource<Subscription> {
  readonly kind: 'subscribe';
  readonly publisherId: string;
}
export type MediaResource = PublishResource | SubscribeResource;

/** The peer connections of the participants, each of which keeps its participant on the stage. */
export class Media {
  readonly #sfu: Sfu;
  readonly #clock: Clock;
  readonly #limits: Limits;
  readonly #resources = new Map<string, MediaResource>();
  readonly #ended = new Set<string>();
  readonly #faults: Faults;

  constructor(sfu: Sfu, registry: Registry, faults: Faults, clock: Clock, limits: Limits) {
    this.#sfu = sfu;
    this.#clock = clock;
    this.#limits = limits;
    this.#faults = faults;
    registry.onRemoval((stage, { participantId }) => this.close(stage, participantId));
  }

  find(id: string): MediaResource | undefined {
    return this.#resources.get(id);
  }

  /** Whether a resource has ended of late, so that its client's DELETE finds done what it asks for. */
  hasEnded(id: string): boolean {
    return this.#ended.has(id);
  }

  /** Closes every peer connection of a participant. */
  close(stage: Stage, participantId: string): void {
    for (const { session } of this.of(stage, participantId)) session.close();
  }

  /** The peer connections of a participant, as publisher and as subscriber. */
  of(stage: Stage, participantId: string): MediaResource[] {
    return [...this.#resources.values()].filter((one) => one.stage === stage && one.participantId === participantId);
  }

  publication(stage: Stage, participantId: string): PublishResource | undefined {
    return this.of(stage, participantId).find((one) => one.kind === 'publish');
  }

  subscribers(publication: PublishResource): SubscribeResource[] {
    return [...this.#resources.values()].filter(
      (one): one is SubscribeResource => one.kind === 'subscribe' && one.session.publication === publication.session,
    );
  }

  /**
   * Publishes a participant. A publication it already has ends first: a page that was loaded again publishes before
   * the stage has seen its old peer connection die.
   *
   * @throws {Refusal} `STAGE_AT_CAPACITY` or `BAD_OFFER`
   */
  async publish({ stage, identity }: Bearer, client: ClientInfo, offerSdp: string): Promise<PublishResource> {
    const { participantId } = identity;
    this.#expectRoom(stage, participantId);
    this.publication(stage, participantId)?.session.close();
    const session = await this.#answer(() => this.#sfu.publish(offerSdp));
    try {
      this.#expectRoom(stage, participantId);
    } catch (error) {
      session.close();
      throw error;
    }
    this.publication(stage, participantId)?.session.close();
    const resource: PublishResource = { kind: 'publish', id: randomUUID(), stage, participantId, session };
    this.#open(resource, () => stage.enter(identity, client));
    stage.setPublishing(participantId, true);
    onClosed(session, () => {
      for (const subscriber of this.subscribers(resource)) subscriber.session.close();
      if (this.publication(stage, participantId) === undefined) stage.setPublishing(participantId, false);
    });
    return resource;
  }

  /** @throws {Refusal} `PUBLISHER_NOT_FOUND` or `BAD_OFFER` */
  async subscribe(
    { stage, identity }: Bearer,
    client: ClientInfo,
    publisherId: string,
    offerSdp: string,
  ): Promise<SubscribeResource> {
    const publication = this.publication(stage, publisherId);
    if (publication === undefined) {
      throw new Refusal('PUBLISHER_NOT_FOUND', 'No participant of that id publishes on this stage.');
    }
    const session = await this.#answer(() => this.#sfu.subscribe(publication.session, offerSdp));
    const { participantId } = identity;
    const resource: SubscribeResource = {
      kind: 'subscribe',
      id: randomUUID(),
      stage,
      participantId,
      publisherId,
      session,
    };
    this.#open(resource, () => stage.enter(identity, client));
    if (publication.session.state === 'closed') session.close();
    return resource;
  }

  /** To be asked once more after the offer was answered, since others may have published meanwhile. */
  #expectRoom(stage: Stage, participantId: string): void {
    const others = stage.participants.filter((one) => one.isPublishing && one.id !== participantId);
    if (others.length >= this.#limits.publishersPerStage) {
      throw new Refusal('STAGE_AT_CAPACITY', `The stage has ${others.length} publishers, which is its limit.`);
    }
  }

  async #answer<Session>(ask: () => Promise<Session>): Promise<Session> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof OfferError) throw new Refusal('BAD_OFFER', error.message);
      throw error;
    }
  }

  /** @throws {Refusal} where the participant was removed while its offer was being answered */
  #open(resource: MediaResource, enter: () => { release(graceMs: number): void }): void {
    const { stage, participantId, session } = resource;
    if (stage.isDisconnected(participantId) || stage.isEnded) {
      session.close();
      throw stage.isEnded
        ? new Refusal('STAGE_DELETED', 'The stage was deleted.')
        : new Refusal('PARTICIPANT_DISCONNECTED', 'The participant was disconnected from the stage.');
    }
    const hold = enter();
    this.#resources.set(resource.id, resource);
    const cancelTimeout = this.#clock.after(CONNECT_TIMEOUT_MS, () => {
      if (session.state === 'connecting') session.close();
    });
    const target = { participantId, direction: resource.kind, strike: (fault: Fault) => this.#strike(session, fault) };
    const unwatch = this.#faults.watch('media', target);
    onClosed(session, () => {
      cancelTimeout();
      unwatch();
      this.#resources.delete(resource.id);
      this.#remember(resource.id);
      hold.release(0);
    });
    this.#faults.strike('media', target);
  }

  #remember(id: string): void {
    this.#ended.add(id);
    const [oldest] = this.#ended;
    if (this.#ended.size > ENDED_IDS_KEPT && oldest !== undefined) this.#ended.delete(oldest);
  }

  #strike(session: PeerSession, { action, delayMs = 0 }: Fault): (() => void) | undefined {
    if (action === 'cut') {
      whenConnected(session, () => session.close());
      return undefined;
    }
    const heal = () => session.setDark(false);
    session.setDark(true);
    if (action === 'delay') this.#clock.after(delayMs, heal);
    return heal;
  }
}

function onClosed(session: PeerSession, react: () => void): void {
  if (session.state === 'closed') react();
  else {
    session.onStateChange((state) => {
      if (state === 'closed') react();
    });
  }
}

/** Calls at once where the session has come this far. */
function whenConnected(session: PeerSession, react: () => void): void {
  if (session.state !== 'connecting') react();
  else {
    const stop = session.onStateChange((state) => {
      stop();
      if (state === 'connected') react();
    });
  }
}
