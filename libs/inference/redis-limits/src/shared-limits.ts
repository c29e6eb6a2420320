import type { Limit } from '@modelgate/core';
import { LimitStore, MemoryLimitStore, type LimitVerdict } from '@modelgate/rate-limit';

export interface SharedLimitsOptions {
  shared: LimitStore;
  /** How long nothing is asked of it once it did not answer, in milliseconds of `now`; default 1 000. */
  pauseMs?: number;
  /** Counting has gone over to this process alone, and has come back. */
  onChange?: (alone: boolean, error?: unknown) => void;
}

/**
 * Limits that are counted together, and by each process for itself while that cannot be done: a store that is away neither
 * turns anybody away nor lets anybody pass uncounted.
 */
export class SharedLimits extends LimitStore {
  readonly #shared: LimitStore;
  readonly #own = new MemoryLimitStore();
  readonly #options: SharedLimitsOptions;
  #aloneUntil = Number.NEGATIVE_INFINITY;
  #alone = false;

  constructor(options: SharedLimitsOptions) {
    super();
    this.#options = options;
    this.#shared = options.shared;
  }

  override take(key: string, limit: Limit, now: number, cost = 1): LimitVerdict | Promise<LimitVerdict> {
    if (now < this.#aloneUntil) return this.#own.take(key, limit, now, cost);
    return this.#takeTogether(key, limit, now, cost);
  }

  async #takeTogether(key: string, limit: Limit, now: number, cost: number): Promise<LimitVerdict> {
    try {
      const verdict = await this.#shared.take(key, limit, now, cost);
      if (this.#alone) this.#options.onChange?.(false);
      this.#alone = false;
      return verdict;
    } catch (error) {
      if (error instanceof RangeError) throw error;
      this.#aloneUntil = now + (this.#options.pauseMs ?? 1_000);
      if (!this.#alone) this.#options.onChange?.(true, error);
      this.#alone = true;
      return this.#own.take(key, limit, now, cost);
    }
  }
}
