import type { Clock } from './clock.ts';
import { newId, publicKeyArn, stageArn } from './ids.ts';
import { type Removal, Stage } from './stage.ts';

export interface PublicKey {
  readonly arn: string;
  readonly name: string;
  readonly publicKeyMaterial: string;
  readonly fingerprint: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** How many of each there may be at once. */
export interface Limits {
  readonly stages: number;
  readonly publicKeys: number;
  readonly publishersPerStage: number;
  readonly participantsPerStage: number;
}

/** Ids of deleted stages that are kept, so that a late token is told "deleted" and not "unknown". */
const DELETED_IDS_KEPT = 10_000;

/** Every stage and public key of one local service. */
export class Registry {
  readonly #clock: Clock;
  readonly #sessionLingerMs: number;
  readonly #stages = new Map<string, Stage>();
  readonly #deletedArns = new Set<string>();
  readonly #publicKeys = new Map<string, PublicKey>();
  readonly #listeners = new Set<(stage: Stage) => void>();
  readonly #removalListeners = new Set<(stage: Stage, removal: Removal) => void>();

  constructor(clock: Clock, sessionLingerMs: number) {
    this.#clock = clock;
    this.#sessionLingerMs = sessionLingerMs;
  }

  /** The stages, newest first. */
  get stages(): Stage[] {
    return [...this.#stages.values()].reverse();
  }

  get publicKeys(): PublicKey[] {
    return [...this.#publicKeys.values()];
  }

  /** Called after each change of any stage, its creation and deletion included. */
  onChange(listener: (stage: Stage) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Called for each participant that is taken off any stage. */
  onRemoval(listener: (stage: Stage, removal: Removal) => void): () => void {
    this.#removalListeners.add(listener);
    return () => this.#removalListeners.delete(listener);
  }

  createStage(name: string, tags: Readonly<Record<string, string>>): Stage {
    const id = newId();
    const stage = new Stage({ id, arn: stageArn(id), name, tags }, this.#clock, this.#sessionLingerMs);
    this.#stages.set(stage.arn, stage);
    stage.onChange(() => this.#changed(stage));
    stage.onRemoval((removal) => {
      for (const listener of [...this.#removalListeners]) listener(stage, removal);
    });
    this.#changed(stage);
    return stage;
  }

  stage(arn: string): Stage | undefined {
    return this.#stages.get(arn);
  }

  isDeleted(arn: string): boolean {
    return this.#deletedArns.has(arn);
  }

  /** Ends the stage and forgets it. Returns it as it was, or `undefined` where there is none. */
  deleteStage(arn: string): Stage | undefined {
    const stage = this.#stages.get(arn);
    if (stage === undefined) return undefined;
    this.#stages.delete(arn);
    this.#deletedArns.add(arn);
    const [oldest] = this.#deletedArns;
    if (this.#deletedArns.size > DELETED_IDS_KEPT && oldest !== undefined) this.#deletedArns.delete(oldest);
    stage.end('The stage was deleted.');
    this.#changed(stage);
    return stage;
  }

  addPublicKey(key: Omit<PublicKey, 'arn'>): PublicKey {
    const publicKey = { ...key, arn: publicKeyArn(newId()) };
    this.#publicKeys.set(publicKey.arn, publicKey);
    return publicKey;
  }

  publicKey(arn: string): PublicKey | undefined {
    return this.#publicKeys.get(arn);
  }

  deletePublicKey(arn: string): boolean {
    return this.#publicKeys.delete(arn);
  }

  #changed(stage: Stage): void {
    for (const listener of [...this.#listeners]) listener(stage);
  }
}
