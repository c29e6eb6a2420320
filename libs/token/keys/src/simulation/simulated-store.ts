import { MemorySigningKeyStore } from '../memory-signing-key-store.ts';
import { SigningKeyStore, type KeyTransition, type ServedReport, type StoredKeys } from '../signing-key-store.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';
import { StoreUnavailable } from '@modelgate/core';

/** How the way between one process and the database is, and whether there still is a process. */
export interface Connection {
  /** Longest time a message takes when all is well, in milliseconds. */
  latency: number;
  /** Nothing comes through. */
  cut: boolean;
  /** Share of messages that are lost, and of those that take very long. */
  lost: number;
  slow: number;
  /** The process has ended: no answer is ever read. */
  dead: boolean;
  /** The process stands still until then. */
  heldUntil: number;
}

/** The database as one replica reaches it: late, twice, or not at all. */
export class SimulatedStore extends SigningKeyStore {
  readonly #database: MemorySigningKeyStore;
  readonly #timeline: Timeline;
  readonly #random: Random;
  readonly connection: Connection;
  /** True time at which the last report was sent that was answered. */
  reportedAt = Number.NEGATIVE_INFINITY;

  constructor(database: MemorySigningKeyStore, timeline: Timeline, random: Random, connection: Connection) {
    super();
    this.#database = database;
    this.#timeline = timeline;
    this.#random = random;
    this.connection = connection;
  }

  load(issuer: string): Promise<StoredKeys> {
    return this.#call(() => this.#database.load(issuer));
  }

  apply(transition: KeyTransition): Promise<void> {
    return this.#call(() => this.#database.apply(transition));
  }

  recordSigned(kid: string, exp: number): Promise<void> {
    return this.#call(() => this.#database.recordSigned(kid, exp));
  }

  async reportServed(report: ServedReport): Promise<void> {
    const sent = this.#timeline.now;
    await this.#call(() => this.#database.reportServed(report));
    this.reportedAt = sent;
  }

  withdraw(issuer: string, replica: string): Promise<void> {
    return this.#call(() => this.#database.withdraw(issuer, replica));
  }

  async #call<T>(work: () => Promise<T>): Promise<T> {
    await this.#message();
    const outcome = await work().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    try {
      await this.#message();
    } finally {
      await this.#read();
    }
    if ('error' in outcome) throw outcome.error;
    return outcome.value;
  }

  async #message(): Promise<void> {
    const { latency, lost, slow } = this.connection;
    await this.#timeline.wait(this.#random.between(0, latency) * (this.#random.chance(slow) ? 60 : 1));
    if (this.connection.cut || this.#random.chance(lost)) throw new StoreUnavailable('lost on the way');
  }

  async #read(): Promise<void> {
    const { heldUntil } = this.connection;
    if (heldUntil > this.#timeline.now) await this.#timeline.wait(heldUntil - this.#timeline.now);
    if (this.connection.dead) await new Promise(() => {});
  }
}
