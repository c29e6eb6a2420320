import type { Limit } from '@modelgate/core';
import { Gcra, type GcraState } from './gcra.ts';
import { LimitStore, type LimitVerdict } from './limit.ts';

interface Counter {
  gcra: Gcra;
  state: GcraState;
}

/** The number of counters inspected for a new key if the store is full. */
const sweepLength = 64;

/**
 * Counters in process memory, at most `maxKeys`. Only a counter that is full again is dropped, so a caller gains
 * nothing by filling the store. Keys that find no room share one counter per limit: this neither refuses all of them
 * nor lets any of them pass uncounted.
 */
export class MemoryLimitStore extends LimitStore {
  readonly #maxKeys: number;
  readonly #counters = new Map<string, Counter>();
  readonly #shared = new Map<string, Counter>();
  readonly #algorithms = new WeakMap<Limit, Gcra>();
  #hand = this.#counters.entries();

  constructor({ maxKeys = 100_000 }: { maxKeys?: number } = {}) {
    super();
    if (!Number.isSafeInteger(maxKeys) || maxKeys < 1) throw new RangeError('maxKeys must be a positive integer');
    this.#maxKeys = maxKeys;
  }

  /** The number of keys with a counter of their own. */
  get size(): number {
    return this.#counters.size;
  }

  take(key: string, limit: Limit, now: number, cost = 1): LimitVerdict {
    const gcra = this.#algorithm(limit);
    const counter = this.#counters.get(key) ?? this.#admit(key, gcra, now);
    if (counter.gcra !== gcra) {
      gcra.adopt(counter.state, counter.gcra);
      counter.gcra = gcra;
    }
    return gcra.take(counter.state, now, cost);
  }

  /** Limits are immutable, and consecutive requests pass the same object. */
  #algorithm(limit: Limit): Gcra {
    const known = this.#algorithms.get(limit);
    if (known) return known;
    const gcra = new Gcra(limit);
    this.#algorithms.set(limit, gcra);
    return gcra;
  }

  #admit(key: string, gcra: Gcra, now: number): Counter {
    const counter = { gcra, state: gcra.fresh(now) };
    if (this.#counters.size >= this.#maxKeys && !this.#makeRoom(now)) return this.#overflow(counter, now);
    this.#counters.set(key, counter);
    return counter;
  }

  /**
   * Continues where the last search ended, so that all counters are inspected in turn and no request inspects all of
   * them.
   */
  #makeRoom(now: number): boolean {
    const before = this.#counters.size;
    for (let looked = 0; looked < sweepLength; looked++) {
      const next = this.#hand.next();
      if (next.done) {
        this.#hand = this.#counters.entries();
        continue;
      }
      const [key, { gcra, state }] = next.value;
      if (gcra.isFull(state, now)) this.#counters.delete(key);
    }
    return this.#counters.size < before;
  }

  #overflow(counter: Counter, now: number): Counter {
    const shared = this.#shared.get(counter.gcra.spelling);
    if (shared) return shared;
    for (const [spelling, { gcra, state }] of this.#shared) if (gcra.isFull(state, now)) this.#shared.delete(spelling);
    this.#shared.set(counter.gcra.spelling, counter);
    return counter;
  }
}
