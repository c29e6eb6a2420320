import type { Limit } from '@modelgate/core';
import { LimitStore, MemoryLimitStore, type LimitVerdict } from '@modelgate/rate-limit';

export interface SharedLimitsOptions {
  shared: LimitStore;
  /** How long Redis is not asked after it failed to answer, in milliseconds of `now`; default 1 000. */
  pauseMs?: number;
  /** Called when counting falls back to this process, and when it is shared again. */
  onChange?: (alone: boolean, error?: unknown) => void;
}

/**
 * Counts limits in a shared store, and in this process alone while the shared store is unavailable. An outage therefore
 * neither refuses callers nor lets them pass uncounted.
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
