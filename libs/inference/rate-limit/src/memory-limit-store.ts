import type { Limit } from '@modelgate/core';
import { Gcra, type GcraState } from './gcra.ts';
import { LimitStore, type LimitVerdict } from './limit.ts';

interface Counter {
  gcra: Gcra;
  state: GcraState;
}

/** Counters looked at for one new key when there is no room left. */
const sweepLength = 64;

/**
 * Counters in the memory of this process, at most `maxKeys` of them. Only a counter that is full again is ever forgotten,
 * so that no caller gains by the store being full. Keys that find no room share one counter per limit: they are held to
 * that limit together, which neither turns everybody away nor lets anybody pass uncounted.
 */
export class MemoryLimitStore extends LimitStore {
  readonly #maxKeys: number;
  readonly #counters = new Map<string, Counter>();
  readonly #shared = new Map<string, Counter>();
  readonly #algorithms = new WeakMap<Limit, Gcra>();
  #hand = this.#counters.entries();

  constructor({ maxKeys = 100_000 }: { maxKeys?: number } = {}) {
    super();
    if (!Number.isSafeInteger(maxKeys) || maxKeys < 1) throw new RangeError('maxKeys is a positive integer');
    this.#maxKeys = maxKeys;
  }

  /** How many keys have a counter of their own. */
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

  /** Limits are immutable, and a request brings the same object as the one before it. */
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

  /** Goes on where the last search ended, so that every counter has its turn and no request pays for all of them. */
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
